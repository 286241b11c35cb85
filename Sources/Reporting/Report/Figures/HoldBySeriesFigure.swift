import Foundation
import Records

/// The longest hold of each strategy over a series of captures of one machine.
enum HoldBySeriesFigure: ReportFigure {
  static let name = "hold-by-series"
  static let title = "Longest hold over a series of captures"
  static let caption = """
    The median over repetitions of a session's longest hold, without preempted ones, on each capture of a series \
    (`run --capture DIR --each`); the bar goes from the lowest to the highest repetition. The time is that in the names \
    of the captures, from the first one; of other names the place in the series. Lines only join the points. The black \
    dashed line is the hold limit. A capture that is the same as an earlier one has no point of its own. `allocator` is \
    no strategy: what a process's start and exit do under the lock.
    """
  static let source = "cells.csv: state, lock_hold_ns_max_undisturbed_median, _lowest and _highest, hold_limit_ns"

  /// Fewer captures are no series that is worth a figure.
  static let fewest = 3

  static func content(of data: ExperimentData) -> FigureContent? {
    let named = data.cells.filter { $0.cell.longestHold.median != nil && capture($0) != nil }
    // Each run is a series of its own.
    let cells = Dictionary(grouping: named, by: \.run).values
      .filter { Set($0.compactMap(capture)).count >= fewest }.flatMap { $0 }.sorted { $0.run < $1.run }
    guard !cells.isEmpty else { return nil }
    // What each capture has its own of.
    let groups = CellGroups(cells, open: [.state, .size, .free, .vmemmap])
    let variants = data.variants(cells)
    let limits = Set(cells.compactMap(\.cell.holdLimitNs)).sorted()
    let values = cells.flatMap { [$0.cell.longestHold.lowest, $0.cell.longestHold.highest] }
    let y = PlotAxis.time("longest hold", values.compactMap { $0 } + limits)
    let places = SeriesPlaces(cells)
    let panels = groups.groups.map { group -> PlotPanel in
      var panel = PlotPanel(title: group.title, x: places.axis, y: y, series: [])
      let runs = Dictionary(grouping: group.cells, by: \.run).sorted { $0.key < $1.key }.map(\.value)
      for (cells, variant) in runs.flatMap({ cells in variants.map { (cells, $0) } }) {
        let points = cells.filter { $0.variant == variant }.compactMap { cell -> PlotSeries.Point? in
          guard let x = places.place(of: cell), let y = cell.cell.longestHold.median else { return nil }
          return PlotSeries.Point(x: x, y: y, ySpan: cell.cell.longestHold.span)
        }.sorted { $0.x < $1.x }
        guard !points.isEmpty else { continue }
        panel.series.append(
          PlotSeries(
            label: data.label(variant), style: data.styles[variant], line: .solid, markStep: max(points.count / 30, 1),
            points: points))
      }
      for limit in limits { panel.add(.horizontal(limit), label: "hold limit \(Figure.time(ns: limit))") }
      return panel
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, columns: panels.count == 1 ? 1 : 2, panelHeight: 360)
  }

  /// The capture's name in its series; nil if it is of none.
  static func capture(_ cell: ReportCell) -> String? {
    let prefix = "captured:"
    return cell.cell.state.hasPrefix(prefix) ? String(cell.cell.state.dropFirst(prefix.count)) : nil
  }
}

/// Where the captures of series stand on an axis: at the times in their names, or else one after another.
private struct SeriesPlaces {
  /// By run and name.
  private var places: [Int: [String: Double]] = [:]
  let axis: PlotAxis

  init(_ cells: [ReportCell]) {
    let names = Dictionary(grouping: cells, by: \.run).mapValues {
      Set($0.compactMap(HoldBySeriesFigure.capture)).sorted()
    }
    let times = names.mapValues { $0.compactMap(Self.seconds) }
    guard names.allSatisfy({ times[$0]?.count == $1.count }) else {
      for (run, names) in names {
        places[run] = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Double($0 + 1)) })
      }
      axis = .linear("place in the series", to: Double(names.values.map(\.count).max() ?? 1))
      return
    }
    let span =
      times.values.compactMap { times in times.min().flatMap { least in times.max().map { $0 - least } } }.max() ?? 0
    let (unit, name): (Double, String) =
      switch span {
      case ..<180: (1, "s")
      case ..<10_800: (60, "min")
      case ..<259_200: (3600, "h")
      default: (86_400, "d")
      }
    for (run, names) in names {
      let first = times[run]?.min() ?? 0
      places[run] = Dictionary(
        uniqueKeysWithValues: names.map { ($0, ((Self.seconds($0) ?? first) - first) / unit) })
    }
    axis = .linear("time since the first capture", to: span / unit, unit: " " + name)
  }

  func place(of cell: ReportCell) -> Double? {
    HoldBySeriesFigure.capture(cell).flatMap { places[cell.run]?[$0] }
  }

  /// The time that a name has, as `20261201T152300Z` or `20261201T152300.120Z`; nil if it has none. Seconds since 1970.
  private static func seconds(_ name: String) -> Double? {
    guard
      let match = name.wholeMatch(
        of: /(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2}(?:\.\d+)?)Z/)
    else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = DateComponents(
      year: Int(match.1), month: Int(match.2), day: Int(match.3), hour: Int(match.4), minute: Int(match.5))
    guard let minute = calendar.date(from: parts), let seconds = Double(match.6) else { return nil }
    return minute.timeIntervalSince1970 + seconds
  }
}
