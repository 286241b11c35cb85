import SystemPackage

/// Runs programs.
package enum CommandOutput {
  /// Standard output of `arguments`, the program first and looked up in PATH; nil if it can't be started or ends
  /// with another status than 0. Its standard input and error lead nowhere.
  package static func of(_ arguments: [String], environment: [String: String]) -> String? {
    guard let (readEnd, writeEnd) = try? FileDescriptor.pipe(options: .closeOnExec) else { return nil }
    defer { try? readEnd.close() }
    let started = try? ChildProcess(arguments, environment: environment, output: writeEnd.rawValue)
    try? writeEnd.close()
    guard var child = started, let bytes = try? readEnd.readToEnd() else { return nil }
    return child.wait() == .exited(0) ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
