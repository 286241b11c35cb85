import Foundation

/// A run's progress on standard error: on a terminal one line that is overwritten, otherwise a line of its own every
/// ten seconds.
///
/// Writing costs system calls: update it between repetitions, never during a measurement.
public final class ProgressBar {
  private let total: Int
  private let descriptor: Int32
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var isDirty = false
  private let interval: Duration?
  private var lastLine = ContinuousClock.now

  /// - Parameters:
  ///   - total: the number of steps.
  ///   - descriptor: the output.
  ///   - interval: the least time between two lines if the output isn't a terminal; nil: none are written.
  public init(total: Int, descriptor: Int32 = STDERR_FILENO, interval: Duration? = .seconds(10)) {
    self.total = total
    self.descriptor = descriptor
    self.interval = interval
    isShown = isatty(descriptor) == 1
  }

  deinit { clear() }

  /// Shows the number of steps done, and the current step. `skipped`: steps done before this bar was created, as in a
  /// resumed run: they count, but not for the estimated time.
  public func update(done: Int, skipped: Int = 0, label: String = "") {
    guard isShown else {
      guard let interval, done < total, ContinuousClock.now - lastLine >= interval else { return }
      lastLine = ContinuousClock.now
      put("hintbench: " + status(done: done, skipped: skipped, label: label) + "\n")
      return
    }
    var size = winsize()
    let columns = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    let text = Self.line(
      done: done, total: total, columns: columns, status: status(done: done, skipped: skipped, label: label))
    put("\r" + text + Self.eraseToEnd)
    isDirty = true
  }

  /// Clears the line, so that the next output starts on an empty one.
  public func clear() {
    guard isDirty else { return }
    put("\r" + Self.eraseToEnd)
    isDirty = false
  }

  private static let eraseToEnd = "\u{1B}[K"

  private func put(_ text: String) {
    // Failing to write a progress bar doesn't stop a run.
    _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  private func status(done: Int, skipped: Int, label: String) -> String {
    Self.status(
      done: done, total: total, skipped: skipped, elapsed: ContinuousClock.now - start, label: label)
  }

  /// Returns the line, one column shorter than the terminal so that it never wraps.
  static func line(done: Int, total: Int, columns: Int, status: String) -> String {
    let share = total > 0 ? Double(done) / Double(total) : 1
    let filled = max(0, min(barWidth, Int(share * Double(barWidth))))
    let bar = "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled) + "] "
    return String((bar + status).prefix(max(0, columns - 1)))
  }

  /// Returns how far a run is, and how long the rest will take.
  static func status(done: Int, total: Int, skipped: Int, elapsed: Duration, label: String) -> String {
    var text = "\(done)/\(total)"
    let measured = done - skipped
    if measured > 0 && done < total {
      let seconds = elapsed / .seconds(1) / Double(measured) * Double(total - done)
      text += ", \(remaining(seconds)) left"
    }
    if !label.isEmpty { text += "  " + label }
    return text
  }

  private static let barWidth = 24

  private static func remaining(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
