import Foundation

/// A run's progress: one line on standard error that is overwritten, only on a terminal.
///
/// Writing costs system calls: update it between repetitions, never during a measurement.
public final class ProgressBar {
  private let total: Int
  private let descriptor: Int32
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var isDirty = false

  /// - Parameters:
  ///   - total: the number of steps.
  ///   - descriptor: the output; nothing is written if it isn't a terminal.
  public init(total: Int, descriptor: Int32 = STDERR_FILENO) {
    self.total = total
    self.descriptor = descriptor
    isShown = isatty(descriptor) == 1
  }

  deinit { clear() }

  /// Shows the number of steps done, and the current step. `skipped`: steps done before this bar was created, as in a
  /// resumed run: they count, but not for the estimated time.
  public func update(done: Int, skipped: Int = 0, label: String = "") {
    guard isShown else { return }
    var size = winsize()
    let columns = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    let text = Self.line(
      done: done, total: total, skipped: skipped, elapsed: ContinuousClock.now - start, label: label, columns: columns)
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

  /// Returns the line, one column shorter than the terminal so that it never wraps.
  static func line(
    done: Int, total: Int, skipped: Int, elapsed: Duration, label: String, columns: Int
  ) -> String {
    let share = total > 0 ? Double(done) / Double(total) : 1
    let filled = max(0, min(barWidth, Int(share * Double(barWidth))))
    var text =
      "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled) + "]"
      + " \(done)/\(total)"
    let measured = done - skipped
    if measured > 0 && done < total {
      let seconds = elapsed / .seconds(1) / Double(measured) * Double(total - done)
      text += ", \(remaining(seconds)) left"
    }
    if !label.isEmpty { text += "  " + label }
    return String(text.prefix(max(0, columns - 1)))
  }

  private static let barWidth = 24

  private static func remaining(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
