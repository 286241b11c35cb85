import Foundation

/// Lines on standard error.
enum Complaint {
  static func say(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

  /// Says it and ends the program, which fails the benchmark run.
  static func end(_ line: String) -> Never {
    say(line)
    exit(1)
  }
}
