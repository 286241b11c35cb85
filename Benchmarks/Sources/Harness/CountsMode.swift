import Glibc

/// What `HINTBENCH_COUNTS` says: whether bodies are counted under valgrind beside being timed.
enum CountsMode: String {
  /// Times and counts; where there is no valgrind, times.
  case along
  /// Counts and no times, with an error where they can't be had: what thresholds are checked on.
  case only
  /// Times only: quicker.
  case none

  static let variable = "HINTBENCH_COUNTS"

  static let current: CountsMode = {
    guard let value = getenv(variable).map({ String(cString: $0) }) else { return .along }
    guard let mode = CountsMode(rawValue: value) else {
      Complaint.end("invalid \(variable) '\(value)': expected along, only or none")
    }
    return mode
  }()
}
