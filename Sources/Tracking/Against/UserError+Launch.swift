import Machine
import Records

extension UserError {
  /// Creates the error for a failed launch, with the launch's own exit status if it is one of ours. `said`: its
  /// standard error.
  init(launch: String, _ end: ProcessEnd, said: String) {
    let lines = said.split(separator: "\n").map(String.init)
    // The launch's last message, not the debug-build warning before it; argument errors are followed by the usage.
    let line = lines.last { $0.hasPrefix("hintbench: ") }?.dropFirst("hintbench: ".count) ?? lines.first?[...]
    let own: Kind? = if case .exited(let status) = end { Kind(rawValue: status) } else { nil }
    self.init(
      own ?? .fault, "\(launch) ended with \(end)" + (line.map { ": \($0.prefix(500))" } ?? ", and said nothing"))
  }
}
