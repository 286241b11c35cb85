import SystemPackage

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
}
