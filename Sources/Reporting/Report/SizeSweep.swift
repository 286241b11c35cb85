import Foundation

/// Cells by guest size, for the figures over size.
struct SizeSweep {
  let groups: CellGroups
  private let data: ExperimentData
  private let cells: [ReportCell]

  /// Creates a sweep. Cells that differ in granule or memory map share a panel only if no size has two of them;
  /// otherwise each has its own panel.
  init(_ cells: [ReportCell], of data: ExperimentData) {
    var open: Set<Condition> = [.size, .granule, .vmemmap]
    for condition in [Condition.granule, .vmemmap] {
      let kinds = Dictionary(grouping: cells, by: \.cell.guestBytes).values.map {
        Set($0.map { $0.conditions[condition] ?? "" }).count
      }
      if kinds.contains(where: { $0 > 1 }) { open.remove(condition) }
    }
    groups = CellGroups(cells, open: open)
    self.data = data
    self.cells = cells
  }

  /// How far marks may be moved beside a size so that they don't overlap, as a factor either way.
  private var spread: Double {
    let sizes = Set(cells.map(\.cell.guestBytes)).sorted().map { log2(Double($0)) }
    let gaps = zip(sizes, sizes.dropFirst()).map { $1 - $0 }
    return pow(2, min(0.36 * (gaps.min() ?? 2), 0.8))
  }

  /// The common axis of all panels.
  func axis(panelWidth: Double) -> PlotAxis {
    let kinds = Set(cells.map { [$0.conditions[.granule], $0.conditions[.vmemmap]] })
    let sizes = Dictionary(grouping: cells, by: \.cell.guestBytes)
    let tics = sizes.map { size, cells -> PlotAxis.Tic in
      var label = Figure.bytes(size)
      if kinds.count > 1 {
        let notes = Set(
          cells.map { cell in
            (cell.isCoarse ? "granule \(cell.cell.granuleOrder ?? 0), " : "")
              + "\(Figure.bytes(UInt64(cell.cell.vmemmapPageBytes ?? 0))) map"
          })
        if notes.count == 1, let note = notes.first { label += "\n" + note.replacing(", ", with: "\n") }
      }
      return PlotAxis.Tic(place: Double(size), label: label)
    }
    return .sizes("guest size", tics, margin: spread * 1.5, room: (panelWidth, kinds.count > 1 ? 78 : 52))
  }

  /// The lines of one panel: one per strategy, run and kind of guest. Exact cells are never joined with others, nor
  /// memory maps of small pages with those of huge ones.
  func series(
    _ group: CellGroups.Group, _ point: (ReportCell) -> PlotSeries.Point?
  ) -> [PlotSeries] {
    struct Key: Hashable {
      var variant: StrategyVariant
      var run: Int
      var granule: Int
      var vmemmap: Int
    }
    let variants = data.variants(cells)
    var order: [Key] = []
    var lines: [Key: [PlotSeries.Point]] = [:]
    for cell in group.cells.sorted(by: { $0.cell.guestBytes < $1.cell.guestBytes }) {
      guard var point = point(cell), let place = variants.firstIndex(of: cell.variant) else { continue }
      let key = Key(
        variant: cell.variant, run: cell.run, granule: cell.cell.granuleOrder ?? 0,
        vmemmap: cell.cell.vmemmapPageBytes ?? 0)
      if variants.count > 1 { point.x *= pow(spread, 2 * Double(place) / Double(variants.count - 1) - 1) }
      if lines[key] == nil { order.append(key) }
      lines[key, default: []].append(point)
    }
    return order.map { key in
      PlotSeries(
        label: data.label(key.variant), style: data.styles[key.variant], line: key.granule > 0 ? .dashed : .solid,
        width: 1.1, points: lines[key] ?? [])
    }
  }
}
