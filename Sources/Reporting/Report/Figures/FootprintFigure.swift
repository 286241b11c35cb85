import Records

/// What reporting saves the host against what it costs the guest's users.
enum FootprintFigure: ReportFigure {
  static let name = "footprint"
  static let title = "Memory with the host against cost to the guest's users"
  static let caption = """
    Each mark is one setting of a design; a dotted line joins the settings of one design and order, along delay and \
    capacity. Further left, the host has less memory populated on average; further down, the guest's users spend less of \
    their busy time on touching again what the host took. That cost is the number of first touches times what one \
    costs on this machine, without the exit and the second fault that a guest pays on top: a lower bound. The grey \
    staircase is the Pareto front. The dashed line is what somebody uses, the least that a host can have; without \
    reporting it has all of the guest. A cost of 0 is at the lower edge.
    """
  static let source =
    "steady-state.csv: host_bytes_mean, used_bytes_mean, refaults_*, busy_ns; meta.json: limits.machine.first_touch_*"

  static func content(of data: ExperimentData) -> FigureContent? {
    guard data.card.name == "steady-state" else { return nil }
    let measured = data.cells.compactMap { cell -> (cell: ReportCell, point: ReportingPoint)? in
      guard let costs = RefaultCosts(data.runs[cell.run].meta) else { return nil }
      return ReportingPoint(strategy: cell.variant.strategy, data.rows(cell), costs).map { (cell, $0) }
    }
    guard !measured.isEmpty else { return nil }
    var points: [ReportCell.Place: ReportingPoint] = [:]
    for (cell, point) in measured { points[cell.place] = point }
    let cells = measured.map(\.cell)
    let settings = Set(cells.map { setting($0, data) })
    var designs: [Design] = []
    for cell in cells where !designs.contains(Design(cell)) { designs.append(Design(cell)) }
    var panels: [PlotPanel] = []
    for group in CellGroups(cells, open: []).groups {
      let bySetting = Dictionary(grouping: group.cells) { setting($0, data) }
      for (setting, cells) in bySetting.sorted(by: { $0.key < $1.key }) {
        panels.append(
          panel(
            [group.title, settings.count > 1 ? setting : ""].filter { !$0.isEmpty }.joined(separator: ", "),
            cells.compactMap { cell in points[cell.place].map { (cell, $0) } }, designs))
      }
    }
    let common = [settings.count == 1 ? settings.first ?? "" : "", CellGroups(cells, open: []).common]
    let tables = PublishedReportingTable.all(measured, data)
    return FigureContent(
      panels: panels, cells: cells, common: common.filter { !$0.isEmpty }.joined(separator: ", "),
      columns: panels.count == 1 ? 1 : 2, panelHeight: 340,
      tables: tables, opensTables: !tables.isEmpty)
  }

  /// A design with one lowest order: what a line joins.
  private struct Design: Hashable {
    let base: String
    let order: Int?

    init(_ cell: ReportCell) {
      base = cell.variant.base
      order = cell.variant.order
    }

    var label: String { base + (order.map { ", order \($0)" } ?? "") }
  }

  private static func panel(
    _ title: String, _ measured: [(cell: ReportCell, point: ReportingPoint)], _ designs: [Design]
  ) -> PlotPanel {
    let costs = measured.map { $0.point.costShare * 100 }
    let positive = costs.filter { $0 > 0 }
    let hasZero = positive.count < costs.count
    let least = positive.min() ?? 1
    let floor = hasZero ? least / 3 : least
    func point(_ point: ReportingPoint) -> PlotSeries.Point {
      .init(x: point.hostBytes / 0x1p30, y: max(point.costShare * 100, floor))
    }
    let most = measured.map { $0.point.hostBytes / 0x1p30 }.max() ?? 1
    var y = PlotAxis.number("users' busy time spent on refaults, %", positive + [floor])
    if hasZero { y.tics = [.init(place: floor, label: "0")] + y.tics.filter { $0.place >= least } }
    var panel = PlotPanel(
      title: title, x: .linear("populated by the host, mean", to: most, unit: " GiB"), y: y, series: [])
    panel.series = designs.enumerated().compactMap { number, design in
      let own = measured.filter { Design($0.cell) == design }.map { point($0.point) }
      guard !own.isEmpty else { return nil }
      return PlotSeries(
        label: design.label, style: MarkStyle(number: number), line: .dotted,
        points: own.sorted { ($0.x, $0.y) < ($1.x, $1.y) })
    }
    panel.series.insert(.front(measured.map { point($0.point) }, in: panel), at: 0)
    let used = MetricSummary(measured.map { $0.point.usedBytes / 0x1p30 }).median ?? 0
    panel.add(.vertical(used), label: "used")
    return panel
  }

  /// What tells cells apart beside their conditions and strategies.
  private static func setting(_ cell: ReportCell, _ data: ExperimentData) -> String {
    let row = data.rows(cell).first
    let parts = [("sleep_ms", "sleep %@ ms"), ("host_page", "host pages of %@"), ("mutator_rate", "%@ operations/s")]
    return parts.compactMap { column, text in row?[column].map { text.replacing("%@", with: $0) } }
      .joined(separator: ", ")
  }
}
