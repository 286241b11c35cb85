import Glibc
import Instruments

/// A build that is launched again and again: an open file, so that it stays the same one where a new build takes its
/// place meanwhile.
///
/// Each is called by its number, and the numbers have as many digits: the length of a program's path, of its words and of
/// its environment move the stack, which alone makes code some per cent faster or slower (Mytkowicz et al., "Producing
/// wrong data without doing anything obviously wrong!", ASPLOS 2009).
final class LaunchedProgram {
  /// As the user calls it.
  let name: String
  private let descriptor: Int32

  /// - Throws: ``LaunchError`` (69) where there is no program.
  init(_ path: String, name: String) throws(LaunchError) {
    self.name = name
    // Without a slash it would be looked up in PATH.
    guard let program = ProgramPath().find(path.contains("/") ? path : "./" + path) else {
      throw LaunchError(
        69, "\(name): no program that can be run; accepted: the path of a hintbench that was built before")
    }
    let file = open(program, O_RDONLY | O_CLOEXEC)
    // Children inherit the copy. 100...999 are three digits.
    descriptor = file < 0 ? -1 : fcntl(file, F_DUPFD, 100)
    let code = errno
    if file >= 0 { close(file) }
    guard descriptor >= 0 else { throw LaunchError(69, "\(name): \(SystemCallError(call: "open", code: code))") }
  }

  deinit { close(descriptor) }

  /// Runs it with these words to its end. What it prints leads nowhere.
  ///
  /// - Parameters:
  ///   - leash: what it is started by: a program, and words.
  ///   - launch: what the launch is called in an error.
  /// - Throws: ``LaunchError`` where it can't be started, or ends otherwise than with 0.
  func run(_ words: [String], leash: [String], launch: String) throws(LaunchError) {
    let said: MemoryFile
    let end: ProcessEnd
    do {
      said = try MemoryFile()
      var child = try ChildProcess(leash + ["/proc/self/fd/\(descriptor)"] + words, error: said.descriptor)
      end = child.wait()
    } catch {
      throw LaunchError(69, "\(launch) can't be started: \(error)")
    }
    guard end == .exited(0) else { throw LaunchError(launch: launch, end, said: said.text) }
  }
}
