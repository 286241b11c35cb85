import Foundation
import Glibc

/// Runs programs.
enum CommandOutput {
  /// Standard output of `arguments`, the program first and looked up in PATH; nil where it can't be started or ends
  /// with another status than 0. Its standard input and error lead nowhere.
  static func of(_ arguments: [String], environment: [String: String]) -> String? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

    let child = start(arguments, environment: environment, files: [(ends[1], STDOUT_FILENO)])
    close(ends[1])
    guard let child else { return nil }

    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
      let got = read(ends[0], &chunk, chunk.count)
      if got > 0 {
        bytes.append(contentsOf: chunk[..<got])
      } else if got == 0 || errno != EINTR {
        break
      }
    }
    return wait(for: child) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// Starts `arguments`, the program first and looked up in PATH; nil where it can't be. `files`: which descriptors of
  /// this process are the child's under another number; its standard three lead nowhere unless named.
  static func start(
    _ arguments: [String], environment: [String: String], files: [(own: Int32, child: Int32)]
  ) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (standard, flags) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_WRONLY), (STDERR_FILENO, O_WRONLY)]
    where !files.contains(where: { $0.child == standard }) {
      posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", flags, 0)
    }
    for file in files { posix_spawn_file_actions_adddup2(&actions, file.own, file.child) }
    var child: pid_t = 0
    let started = withStrings(arguments) { argv in
      withStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
        posix_spawnp(&child, arguments[0], &actions, nil, argv, envp)
      }
    }
    return started == 0 ? child : nil
  }

  /// Waits for the end of a child; its status as wait(2) gives it, nil where it can't be had.
  static func wait(for child: pid_t) -> Int32? {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return nil }
    }
    return status
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
