import Foundation
import Records

/// Formats numbers and sizes for people.
package enum Figure {
  /// Formats with three significant digits, without exponent: 0.0123, 1.23, 12.3, 1234.
  package static func number(_ value: Double) -> String { number(value, decimals: decimals(value)) }

  /// Formats with this number of decimals.
  package static func number(_ value: Double, decimals: Int) -> String {
    value.isFinite ? String(format: "%.\(decimals)f", value) : missing
  }

  /// The decimals that make three significant digits.
  package static func decimals(_ value: Double) -> Int {
    guard value.isFinite && value != 0 else { return 0 }
    func decimals(_ value: Double) -> Int { max(0, 2 - Int(floor(log10(abs(value))))) }
    // They follow from the rounded value: 9.996 is 10.0, not 10.00.
    let first = min(decimals(value), 12)
    let scale = pow(10, Double(first))
    return min(first, decimals((value * scale).rounded() / scale), 12)
  }

  /// Formats a whole number exactly, any other with `number`.
  package static func count(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : number(value)
  }

  /// Formats a size in the largest binary unit that leaves at least 1: 1.5 TiB.
  package static func bytes(_ value: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var size = Double(value)
    while size >= 1024 && unit + 1 < units.count {
      size /= 1024
      unit += 1
    }
    return "\(count(size)) \(units[unit])"
  }

  /// Formats a time in the unit that leaves at least 1: 52 ns, 1.5 µs, 20 ms.
  package static func time(ns value: Double) -> String {
    let units = ["ns", "µs", "ms", "s"]
    var unit = 0
    var time = value
    while abs(time) >= 1000 && unit + 1 < units.count {
      time /= 1000
      unit += 1
    }
    return "\(count(time)) \(units[unit])"
  }

  /// Formats a median and, if they differ, the lowest and highest in parentheses after a blank, all with the median's
  /// decimals; nil if nothing was measured.
  package static func spread(_ summary: MetricSummary, per unit: Double = 1) -> (median: String, range: String)? {
    guard let median = summary.median, let lowest = summary.lowest, let highest = summary.highest else { return nil }
    let decimals = decimals(median / unit)
    func figure(_ value: Double) -> String { number(value / unit, decimals: decimals) }
    let low = figure(lowest)
    let high = figure(highest)
    return (figure(median), low == high ? "" : " (\(low)–\(high))")
  }

  /// The mark for a cell with repetitions in which a measuring thread was preempted: `*2`; nil without any.
  package static func preempted(_ cell: CellRecord) -> String? {
    cell.preemptedRepetitions.flatMap { $0 > 0 ? "*\($0)" : nil }
  }

  /// Stands in for an unmeasured value.
  package static let missing = "-"
}
