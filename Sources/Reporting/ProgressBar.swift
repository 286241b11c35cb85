import Foundation

/// How far a run is: one line on standard error, written over and over, and only where that is a terminal.
///
/// Writing costs system calls: update it between repetitions, never while something is measured.
public final class ProgressBar {
  private let total: Int
  private let descriptor: Int32
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var isDirty = false

  /// - Parameters:
  ///   - total: how many steps there are.
  ///   - descriptor: where to write; nothing is written where it is no terminal.
  public init(total: Int, descriptor: Int32 = STDERR_FILENO) {
    self.total = total
    self.descriptor = descriptor
    isShown = isatty(descriptor) == 1
  }

  deinit { clear() }

  /// Shows that so many steps are done, and what is done now. Steps done before this bar was made, as in a run that is
  /// resumed, are `skipped`: they are counted, but say nothing about how long a step takes.
  public func update(done: Int, skipped: Int = 0, label: String = "") {
    guard isShown else { return }
    var size = winsize()
    let columns = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    let text = Self.line(
      done: done, total: total, skipped: skipped, elapsed: ContinuousClock.now - start, label: label, columns: columns)
    put("\r" + text + Self.eraseToEnd)
    isDirty = true
  }

  /// Takes the line away, so that what is printed next stands on a clean one.
  public func clear() {
    guard isDirty else { return }
    put("\r" + Self.eraseToEnd)
    isDirty = false
  }

  private static let eraseToEnd = "\u{1B}[K"

  private func put(_ text: String) {
    // A progress bar that can't be written is no reason to stop a run.
    _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  /// The line, one column shorter than the terminal, so that it never wraps.
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
