import Foundation
import Glibc

/// Runs a program to its end and takes what it prints. Its standard input and error lead nowhere.
enum CommandOutput {
  /// Standard output of `arguments`, the program first and looked up in PATH; nil where it can't be started or ends
  /// with another status than 0.
  static func of(_ arguments: [String], environment: [String: String]) -> String? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)

    var child: pid_t = 0
    let started = withStrings(arguments) { argv in
      withStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
        posix_spawnp(&child, arguments[0], &actions, nil, argv, envp)
      }
    }
    close(ends[1])
    guard started == 0 else { return nil }

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
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return nil }
    }
    return status == 0 ? String(decoding: bytes, as: UTF8.self) : nil
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
