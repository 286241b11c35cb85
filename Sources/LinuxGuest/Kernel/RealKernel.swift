import Machine
import Records

/// A Linux whose own mm runs the probe's commands.
public protocol RealKernel: Sendable {
  /// `uname -r`.
  var version: String { get }
  /// What runs it.
  var source: KernelRunSource { get }
  /// Whether each run is a boot of its own, with memory of a size that can be chosen.
  var boots: Bool { get }
  /// What was added to its command line.
  var parameters: String { get }

  /// Takes what the sessions need, then runs commands, one a line.
  ///
  /// - Parameter bytes: the memory of the guest, if it boots.
  /// - Throws: ``UserError`` if it doesn't come to the end; ``Interrupted``. No process and no temporary folder is left.
  func run(_ commands: [String], preparing: String, bytes: UInt64) throws -> KernelRun
}

/// What a real kernel did.
public struct KernelRun: Sendable {
  public var report: ProbeReport
  /// The files of /proc by name (buddyinfo, pagetypeinfo, zoneinfo), read between the preparation and the commands;
  /// empty if there is no user space that could read them.
  public var before: [String: String] = [:]
  /// What the kernel said on its console; empty if nobody listened.
  public var console = ""
  /// When pages are zeroed, as column `page_init`; empty if it isn't known.
  public var pageInit = ""
}

extension KernelRun {
  /// Writes a capture to a folder, which is made: what /proc showed; of a kernel without user space, what it would have
  /// shown; and its lists, if they were dumped.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func keepCapture(in folder: String) throws(UserError) {
    _ = try FileAccess.makeFolders(folder)
    let files =
      (before.isEmpty ? report.state.procFiles : before.map { (name: $0.key, text: $0.value) })
      + (report.stateText.isEmpty ? [] : [(name: "lists", text: report.stateText)])
    for file in files { try FileAccess.writeAtomically(Array(file.text.utf8), to: "\(folder)/\(file.name)") }
  }
}

extension RealKernel {
  public var parameters: String { "" }
}

/// What runs a kernel: column `source`.
public enum KernelRunSource: String, Sendable {
  /// User Mode Linux.
  case native
  /// QEMU with a clock that counts instructions.
  case icount
  /// QEMU without it.
  case emulation
  case kvm
  /// This machine's own kernel.
  case host

  /// What the ticks of a hold say.
  enum Ticks {
    case time
    case instructions
    case nothing
  }

  var ticks: Ticks {
    switch self {
    case .native, .kvm, .host: .time
    case .icount: .instructions
    case .emulation: .nothing
    }
  }
}

extension KernelRunSource {
  init(_ accelerator: Accelerator) {
    switch accelerator {
    case .kvm: self = .kvm
    case .emulation: self = .emulation
    case .icount: self = .icount
    }
  }
}
