import Glibc

/// Runs programs.
package enum CommandOutput {
  /// Standard output of `arguments`, the program first and looked up in PATH; nil where it can't be started or ends
  /// with another status than 0. Its standard input and error lead nowhere.
  package static func of(_ arguments: [String], environment: [String: String]) -> String? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

    let started = try? ChildProcess(arguments, environment: environment, output: ends[1])
    close(ends[1])
    guard var child = started else { return nil }

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
    return child.wait() == .exited(0) ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
