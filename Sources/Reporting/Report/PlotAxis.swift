import Foundation

/// An axis of a panel: its range and its tics.
struct PlotAxis: Hashable {
  var label: String
  var isLogarithmic: Bool
  /// The start. It may be above the end: the axis then runs backwards.
  var from: Double
  var to: Double
  var tics: [Tic]

  struct Tic: Hashable {
    var place: Double
    var label: String
  }

  /// A logarithmic axis that contains the values, with some margin on both sides.
  ///
  /// - Parameter text: the label of a tic.
  static func logarithmic(_ label: String, _ values: [Double], text: (Double) -> String) -> PlotAxis {
    let positive = values.filter { $0 > 0 && $0.isFinite }
    let lowest = (positive.min() ?? 1) / 1.4
    let highest = (positive.max() ?? 10) * 1.4
    let exponents = Int(floor(log10(lowest)))...Int(ceil(log10(highest)))
    func tics(_ steps: [Double], every interval: Int) -> [Tic] {
      var tics: [Tic] = []
      for exponent in exponents where exponent % interval == 0 {
        let power = pow(10, Double(exponent))
        for place in steps.map({ $0 * power }) where place >= lowest && place <= highest {
          tics.append(Tic(place: place, label: text(place)))
        }
      }
      return tics
    }
    // The coarsest set with enough tics.
    let finer: [[Double]] = [
      [1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9],
    ]
    let whole = tics([1], every: 1)
    let chosen = whole.count > 9 ? tics([1], every: 2) : finer.map { tics($0, every: 1) }.first { $0.count >= 4 }
    return PlotAxis(label: label, isLogarithmic: true, from: lowest, to: highest, tics: chosen ?? whole)
  }

  /// A logarithmic axis of times in nanoseconds.
  static func time(_ label: String, _ values: [Double]) -> PlotAxis {
    logarithmic(label, values) { Figure.time(ns: plain($0)) }
  }

  /// A logarithmic axis of plain numbers.
  static func number(_ label: String, _ values: [Double]) -> PlotAxis {
    logarithmic(label, values) { text($0) }
  }

  /// A logarithmic axis of shares, 1 at its upper end.
  static func share(_ label: String, _ values: [Double]) -> PlotAxis {
    var axis = logarithmic(label, values + [1]) { text($0 * 100) + " %" }
    axis.to = 1.15
    return axis
  }

  /// A linear axis from just below 0, where a mark at 0 is seen whole, to at least `end`.
  static func linear(_ label: String, to end: Double, unit: String = "") -> PlotAxis {
    let end = end > 0 && end.isFinite ? end : 1
    let power = pow(10, floor(log10(end / 4)))
    let steps: [Double] = [1, 2, 2.5, 5, 10].map { $0 * power }
    let step: Double = steps.first { end / $0 <= 5 } ?? power * 10
    let tics: [Double] = (0...5).map { Double($0) * step }.filter { $0 <= end * 1.001 }
    return PlotAxis(
      label: label, isLogarithmic: false, from: -0.025 * end, to: end * 1.03,
      tics: tics.map { Tic(place: $0, label: text($0) + unit) })
  }

  /// A linear axis of differences of times in nanoseconds, some of which may be negative.
  static func timeDifference(_ label: String, _ values: [Double]) -> PlotAxis {
    var axis = linear(label, to: values.max() ?? 1)
    axis.from = min(axis.from, (values.min() ?? 0) - 0.025 * axis.to)
    for index in axis.tics.indices { axis.tics[index].label = Figure.time(ns: plain(axis.tics[index].place)) }
    return axis
  }

  /// Removes rounding errors from the last digits: 3 times 10^2 isn't exactly 300.
  private static func plain(_ value: Double) -> Double { Double(String(format: "%.6g", value)) ?? value }

  private static func text(_ value: Double) -> String { plain(value).decimalText ?? Figure.missing }

  /// An axis with one line per text, the first at the top.
  static func categories(_ texts: [String]) -> PlotAxis {
    PlotAxis(
      label: "", isLogarithmic: false, from: Double(texts.count) - 0.4, to: -0.6,
      tics: texts.enumerated().map { Tic(place: Double($0), label: $1) })
  }

  /// An axis of guest sizes in bytes, by powers of two, with a tic at each given size.
  ///
  /// - Parameters:
  ///   - margin: the margin beyond the outermost sizes, as a factor.
  ///   - room: the width of the axis and the widest tic label, in the same unit; labels without room are left out.
  static func sizes(_ label: String, _ sizes: [Tic], margin: Double, room: (axis: Double, label: Double)) -> PlotAxis {
    let from = (sizes.map(\.place).min() ?? 1) / margin
    let to = (sizes.map(\.place).max() ?? 2) * margin
    var tics = sizes.sorted { $0.place < $1.place }
    var last = -Double.infinity
    for index in tics.indices {
      let place = log2(tics[index].place / from) / log2(to / from) * room.axis
      if place - last < room.label { tics[index].label = "" } else { last = place }
    }
    return PlotAxis(label: label, isLogarithmic: true, from: from, to: to, tics: tics)
  }
}
