import Machine

/// Why two builds can't be compared by launching them, in one line.
public struct LaunchError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the command line ends with; of a launch that failed, its own.
  public let exitStatus: Int32
  /// What, where, and what would be accepted.
  public let description: String

  init(_ exitStatus: Int32, _ description: String) {
    self.exitStatus = exitStatus
    self.description = description
  }

  /// A launch that ended otherwise than it should. `said`: all it wrote to standard error.
  init(launch: String, _ end: ProcessEnd, said: String) {
    let lines = said.split(separator: "\n").map(String.init)
    // Its own last word, and not the warning of a debug build before it; argument errors come with the usage below.
    let line = lines.last { $0.hasPrefix("hintbench: ") }?.dropFirst("hintbench: ".count) ?? lines.first?[...]
    let known: ClosedRange<Int32> = 64...78
    let status: Int32 = if case .exited(let own) = end, known.contains(own) { own } else { 70 }
    self.init(status, "\(launch) ended with \(end)" + (line.map { ": \($0.prefix(500))" } ?? ", and said nothing"))
  }
}
