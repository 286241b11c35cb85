import Records

/// How much of freed memory the host knows, second by second.
enum CoverageCourseFigure: ReportFigure {
  static let name = "course"
  static let title = "How much of the freed memory is reported, and how much no strategy sees"
  static let caption = """
    At time 0 a process exits. Solid: the share of its memory that has been reported. Dashed: what is on the CPUs' \
    per-CPU lists then, as a share of the same memory; no strategy sees that, nor do MemFree and buddyinfo. A kernel \
    has a colour and a mark of its own; each repetition is a line.
    """
  static let source =
    "coverage.csv: elapsed_ns, freed_share_reported, bytes_pcp; steady-state.csv: freed_bytes, clock, tenant"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { !data.coverage($0).isEmpty }
    guard !cells.isEmpty else { return nil }
    var kernels: [String] = []
    for cell in cells where !kernels.contains(kernel(cell)) { kernels.append(kernel(cell)) }
    let settings = Dictionary(grouping: cells) { setting($0, data) }
    let variants = data.variants(cells)
    var panels: [PlotPanel] = []
    for (setting, cells) in settings.sorted(by: { $0.key < $1.key }) {
      for group in CellGroups(cells, open: [.kernel]).groups {
        for variant in data.variants(group.cells) {
          let title = [variants.count > 1 ? data.label(variant) : "", settings.count > 1 ? setting : "", group.title]
          panels.append(
            panel(
              title.filter { !$0.isEmpty }.joined(separator: ", "), group.cells.filter { $0.variant == variant },
              kernels, data))
        }
      }
    }
    let common = [
      variants.count == 1 ? data.label(variants[0]) : "", settings.count == 1 ? settings.keys.first ?? "" : "",
      CellGroups(cells, open: [.kernel]).common,
    ]
    return FigureContent(
      panels: panels, cells: cells, common: common.filter { !$0.isEmpty }.joined(separator: ", "),
      columns: panels.count == 1 ? 1 : 2, panelHeight: 280)
  }

  private static func panel(
    _ title: String, _ cells: [ReportCell], _ kernels: [String], _ data: ExperimentData
  ) -> PlotPanel {
    var panel = PlotPanel(title: title, x: .linear("", to: 1), y: .linear("", to: 1), series: [])
    for cell in cells {
      let freed = data.summary(data.rows(cell), "freed_bytes").median ?? 0
      let courses = data.coverage(cell).sorted { $0.key < $1.key }.map(\.value)
      let number = kernels.firstIndex(of: kernel(cell)) ?? 0
      let name = kernel(cell)
      panel.series += lines(courses, number, .solid, label: name + ": reported") {
        $0.freedShareReported.map { $0 * 100 }
      }
      panel.series += lines(courses, number, .dashed, label: name + ": on per-CPU lists") {
        freed > 0 ? Double($0.bytesPCP) / freed * 100 : nil
      }
    }
    let points = panel.series.flatMap(\.points)
    panel.x = .linear("time since the memory became free", to: points.map(\.x).max() ?? 1, unit: " s")
    panel.y = .linear("share of the freed memory", to: max(100, points.map(\.y).max() ?? 0), unit: " %")
    return panel
  }

  /// A line for each repetition; the first has marks and the label. Marks of different kernels lie beside each other, so
  /// that equal lines are seen.
  private static func lines(
    _ courses: [[CoverageRecord]], _ kernel: Int, _ line: PlotSeries.Line, label: String,
    _ share: (CoverageRecord) -> Double?
  ) -> [PlotSeries] {
    let lines = courses.map { course in
      course.compactMap { record in share(record).map { PlotSeries.Point(x: record.elapsedNs / 1e9, y: $0) } }
    }.filter { !$0.isEmpty }
    return lines.enumerated().map { index, points in
      let step = max(points.count / 5, 1)
      return PlotSeries(
        label: index == 0 ? label : nil, style: MarkStyle(number: kernel), line: line, hasMarks: index == 0,
        markStep: step, markFrom: kernel * step / 3 % step, points: points)
    }
  }

  private static func kernel(_ cell: ReportCell) -> String { cell.conditions[.kernel] ?? "" }

  /// Clock and process, which tell cells apart beside their conditions.
  private static func setting(_ cell: ReportCell, _ data: ExperimentData) -> String {
    let row = data.rows(cell).first
    return [row?["clock"].map { "\($0) clock" }, row?["tenant"].map { "tenant \($0)" }].compactMap { $0 }
      .joined(separator: ", ")
  }
}
