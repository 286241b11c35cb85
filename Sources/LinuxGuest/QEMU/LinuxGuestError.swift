import Machine
import Records

/// Why a guest gave no result.
public enum LinuxGuestError: UserFacing, Equatable, Sendable {
  /// A program isn't here; Debian's package that has it.
  case missingProgram(String, package: String)
  /// A file of the guest isn't here, or may not be read.
  case missingFile(what: String, path: String)
  /// A program that is here can't be started.
  case cannotStart(program: String, SystemCallError)
  /// The guest's files could not be written on this machine.
  case files(SystemCallError)
  /// cpio could not pack the guest's files.
  case packingFailed(ProcessEnd)
  /// QEMU didn't come to the guest's end.
  case qemuFailed(ProcessEnd, message: String)
  /// The guest was still running, and was killed. What it was at, and its last lines.
  case timedOut(Duration, during: String, console: String)
  /// The guest's kernel said that it goes no further.
  case panicked(String, during: String)
  /// The guest went off before its commands were done.
  case endedEarly(during: String, console: String)
  /// What came out of the report's port is none.
  case garbled(String)
  /// Ctrl-C.
  case interrupted

  /// Unavailable: something isn't here. Fault: the boot failed.
  public var failureKind: UserError.Kind {
    switch self {
    case .missingProgram, .missingFile, .cannotStart: .unavailable
    case .files: .io
    default: .fault
    }
  }

  /// One line: what, where, and what to do.
  public var description: String {
    switch self {
    case .missingProgram(let program, let package):
      "no \(program) to run a guest with; to have it: apt-get install \(package)"
    case .missingFile(let what, let path): "\(path): the guest's \(what) isn't there or may not be read"
    case .cannotStart(let program, let error): "\(program) can't be started: \(error)"
    case .files(let error): "the guest's files can't be written: \(error)"
    case .packingFailed(let end): "cpio could not pack the guest's files: \(end)"
    case .qemuFailed(let end, let message): "QEMU failed with \(end): \(message)"
    case .timedOut(let limit, let phase, let console):
      "the guest was killed after \(limit), during \(phase); its last lines: \(console)"
    case .panicked(let line, let phase): "the guest's kernel gave up during \(phase): \(line)"
    case .endedEarly(let phase, let console): "the guest ended during \(phase); its last lines: \(console)"
    case .garbled(let line): "the guest's report can't be read at: \(line)"
    case .interrupted: "interrupted"
    }
  }
}
