import Reporting

/// Shows a calibration's progress on a terminal.
public final class CalibrationProgress {
  private var bar: ProgressBar?

  public init() {}

  public func update(done: Int, total: Int, label: String) {
    let bar = self.bar ?? ProgressBar(total: total)
    self.bar = bar
    if done == total { bar.clear() } else { bar.update(done: done, label: label) }
  }
}
