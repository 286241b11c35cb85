import Foundation
import Glibc
import SystemPackage

/// A started program. It is killed when this value is destroyed.
public struct ChildProcess: ~Copyable {
  /// The process id; may be another program's once this one has ended.
  public let id: pid_t
  private var end: ProcessEnd?

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - arguments: the program, looked up in PATH, and its arguments.
  ///   - environment: its complete environment.
  ///   - input: the file that becomes its standard input, and likewise `output` and `error`; nil: /dev/null. The caller
  ///     closes it.
  /// - Throws: ``SystemCallError`` if it can't be started (ENOENT: no such program).
  public init(
    _ arguments: [String], environment: [String: String] = ProcessInfo.processInfo.environment, input: Int32? = nil,
    output: Int32? = nil, error: Int32? = nil
  ) throws(SystemCallError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (standard, file) in [(STDIN_FILENO, input), (STDOUT_FILENO, output), (STDERR_FILENO, error)] {
      if let file {
        posix_spawn_file_actions_adddup2(&actions, file, standard)
      } else {
        posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
      }
    }
    // Pool threads block every signal, and child processes would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var child: pid_t = 0
    let code = Self.withStrings(arguments) { argv in
      // Sorted: a dictionary's order differs each time, which would move the child's strings.
      Self.withStrings(environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }) { envp in
        posix_spawnp(&child, arguments[0], &actions, &attributes, argv, envp)
      }
    }
    guard code == 0 else { throw SystemCallError(call: "posix_spawn of \(arguments[0])", code: code) }
    id = child
  }

  /// Waits for its end.
  public mutating func wait() -> ProcessEnd {
    if let end { return end }
    return poll(0) ?? .untold
  }

  /// Waits for its end until `deadline`; nil if it is still running then.
  public mutating func wait(until deadline: ContinuousClock.Instant) -> ProcessEnd? {
    while true {
      if let end = end ?? poll(WNOHANG) { return end }
      if ContinuousClock.now >= deadline { return nil }
      usleep(20_000)
    }
  }

  /// Kills it (SIGKILL) if it is still running, and waits for its end.
  public mutating func kill() {
    guard end == nil else { return }
    Glibc.kill(id, SIGKILL)
    _ = wait()
  }

  deinit {
    guard end == nil else { return }
    Glibc.kill(id, SIGKILL)
    _ = retryingInterrupted { waitpid(id, nil, 0) }
  }

  /// Returns how it ended; nil while it is running.
  private mutating func poll(_ options: Int32) -> ProcessEnd? {
    var status: Int32 = 0
    let got = retryingInterrupted { waitpid(id, &status, options) }
    guard got != 0 else { return nil }
    // WTERMSIG and WEXITSTATUS are macros, which don't import.
    let signal = status & 0x7f
    end = got < 0 ? .untold : signal != 0 ? .killed(signal) : .exited((status >> 8) & 0xff)
    return end
  }

  private static func withStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    copies.append(nil)
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}

/// How a program ended.
public enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
  /// It exited with this status: 0...255.
  case exited(Int32)
  /// It was killed by this signal.
  case killed(Int32)
  /// Unknown: another thread reaped it, or SIGCHLD is ignored.
  case untold

  /// As "exit status 1" or "signal 9".
  public var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .killed(let signal): "signal \(signal)"
    case .untold: "an unknown status"
    }
  }
}

/// Runs a program for its output.
package enum CommandOutput {
  /// Returns the standard output of `arguments` (the program, looked up in PATH, and its arguments); nil if it can't be
  /// started or doesn't exit with 0. Standard input and error are /dev/null.
  package static func of(_ arguments: [String], environment: [String: String]) -> String? {
    guard let (readEnd, writeEnd) = try? FileDescriptor.pipe(options: .closeOnExec) else { return nil }
    defer { try? readEnd.close() }
    let started = try? ChildProcess(arguments, environment: environment, output: writeEnd.rawValue)
    try? writeEnd.close()
    guard var child = started, let bytes = try? readEnd.readToEnd() else { return nil }
    return child.wait() == .exited(0) ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// Returns the standard output of `arguments` and how the program ended. If there are more than `limit` bytes, slightly
  /// more than that, and the program is killed. Standard input and error are /dev/null.
  ///
  /// - Throws: ``SystemCallError`` if it can't be started (ENOENT: no such program).
  package static func bytes(
    of arguments: [String], limit: Int
  ) throws(SystemCallError) -> (bytes: [UInt8], end: ProcessEnd) {
    let ends: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
    do { ends = try FileDescriptor.pipe(options: .closeOnExec) } catch {
      throw SystemCallError(call: "pipe", code: error.rawValue)
    }
    defer { try? ends.readEnd.close() }
    var child: ChildProcess
    do throws(SystemCallError) { child = try ChildProcess(arguments, output: ends.writeEnd.rawValue) } catch {
      try? ends.writeEnd.close()
      throw error
    }
    try? ends.writeEnd.close()
    do throws(Errno) {
      let bytes = try ends.readEnd.readToEnd(limit: limit)
      if bytes.count > limit { child.kill() }
      return (bytes, child.wait())
    } catch {
      throw SystemCallError(call: "read from \(arguments[0])", code: error.rawValue)
    }
  }
}
