/// A picture: panels side by side, with one legend below.
struct Plot: Hashable {
  /// The file's name without extension: letters, digits and dashes.
  var name: String
  /// A description of the picture, for screen readers.
  var title: String
  var columns = 2
  /// The height of a panel's plotting area. Pixels.
  var panelHeight = 300.0
  /// The space left of each panel for its y axis labels. Pixels.
  var leftMargin = 88.0
  var panels: [PlotPanel]

  /// The width. Pixels.
  static let width = 1040.0

  /// The height of a line of text. Pixels.
  private static let lineHeight = 18.0
  /// The average width of a letter of a strategy's name, in the widest of the usual fonts (DejaVu Sans; others are
  /// narrower by a sixth). The reader's fonts aren't known. Pixels.
  static let letterWidth = 7.8

  /// The legend's entries, without duplicates.
  var legend: [PlotSeries] {
    var seen: Set<String> = []
    // Of a strategy with dashed and solid lines the solid one.
    let all = panels.flatMap(\.series).filter { $0.label != nil && !$0.points.isEmpty }
    let solid = all.filter { $0.line != .dashed || !$0.hasMarks }
    var entries: [String: PlotSeries] = [:]
    for series in solid + all { if let label = series.label, entries[label] == nil { entries[label] = series } }
    return all.compactMap { series in
      guard let label = series.label, seen.insert(label).inserted else { return nil }
      return entries[label]
    }
  }

  /// The width of a panel's plotting area. Pixels.
  var panelWidth: Double { Self.width / Double(columns) - leftMargin - Self.rightMargin }

  private static let rightMargin = 16.0

  private var legendColumns: Int {
    let longest: Int = legend.map { $0.label?.count ?? 0 }.max() ?? 0
    let widest: Double = Double(longest) * Self.letterWidth + Self.legendMark + 16
    return max(1, min(legend.count, Int(Self.width / widest)))
  }
  private var legendRows: Int { (legend.count + legendColumns - 1) / legendColumns }
  /// The width of a legend entry before its text. Pixels.
  private static let legendMark = 46.0

  private var rows: Int { (panels.count + columns - 1) / columns }
  /// A panel's title, split into lines that fit.
  private func titleLines(_ panel: PlotPanel) -> [String] {
    panel.title.isEmpty ? [] : TableText.wrap(panel.title, width: Int((Self.width / Double(columns) - 20) / 6.4))
  }
  private var topMargin: Double { 22 + Double(panels.map { titleLines($0).count }.max() ?? 0) * Self.lineHeight }
  /// The number of lines of the x axis labels.
  private var ticLines: Int {
    panels.flatMap(\.x.tics).map { 1 + $0.label.count { $0 == "\n" } }.max() ?? 1
  }
  private var bottomMargin: Double { 46 + Double(ticLines) * Self.lineHeight * 0.95 }
  private var rowHeight: Double { topMargin + panelHeight + bottomMargin }
  /// The height. Pixels.
  var height: Double { Double(rows) * rowHeight + Double(legendRows) * Self.lineHeight + 14 }

  /// The gnuplot script, which writes the picture to standard output.
  var script: String {
    var lines = [
      "set encoding utf8",
      "set terminal svg size \(Int(Self.width)),\(Int(height)) noenhanced font 'sans-serif,13' "
        + "background rgb 'white' linewidth 1 dynamic",
      "set errorbars 0.7",
      "set datafile missing 'NaN'",
    ]
    for (panel, content) in panels.enumerated() {
      for (index, series) in content.series.enumerated() {
        lines += ["\(Self.block(panel, index)) << EOD"] + series.points.map(Self.row) + ["EOD"]
      }
    }
    lines.append("set multiplot")
    for (index, panel) in panels.enumerated() { lines += script(panel, index) }
    lines += legendScript
    lines.append("unset multiplot")
    return lines.joined(separator: "\n") + "\n"
  }

  private func script(_ panel: PlotPanel, _ index: Int) -> [String] {
    let left = Double(index % columns) * Self.width / Double(columns) + leftMargin
    let top = Double(index / columns) * rowHeight + topMargin
    func across(_ pixels: Double) -> String { "\(pixels / Self.width)" }
    func up(_ pixels: Double) -> String { "\(1 - pixels / height)" }
    var lines = [
      "reset",
      "set errorbars 0.7",
      "set lmargin at screen \(across(left))", "set rmargin at screen \(across(left + panelWidth))",
      "set tmargin at screen \(up(top))", "set bmargin at screen \(up(top + panelHeight))",
      "set key off", "set border 3 lc rgb '#555555'",
      "set grid lc rgb '#dddddd' lw 0.7 dt 1",
    ]
    for (number, line) in titleLines(panel).reversed().enumerated() {
      lines.append(
        "set label \(quoted(line)) at screen \(across(left - leftMargin + Self.width / Double(columns) / 2)),"
          + "\(up(top - 12 - Double(number) * Self.lineHeight)) center")
    }
    // gnuplot would place them by its estimate of the tic labels' width.
    let below = top + panelHeight + 32 + Double(ticLines) * Self.lineHeight * 0.95
    lines.append(
      "set label \(quoted(panel.x.label)) at screen \(across(left + panelWidth / 2)),\(up(below)) center")
    lines.append(
      "set label \(quoted(panel.y.label)) at screen \(across(left - leftMargin + 10)),\(up(top + panelHeight / 2)) "
        + "center rotate by 90")
    for (name, axis) in [("x", panel.x), ("y", panel.y)] {
      // A tic's label is a format of its position.
      if axis.isLogarithmic { lines.append("set logscale \(name) 10") }
      lines.append("set \(name)range [\(axis.from):\(axis.to)]")
      let tics = axis.tics.map { "\(text($0.label.replacing("%", with: "%%"))) \($0.place)" }
      lines.append("set \(name)tics nomirror out (" + tics.joined(separator: ", ") + ")")
    }
    var plots: [String] = []
    for (number, series) in panel.series.enumerated() where !series.points.isEmpty {
      plots += Self.commands(series, Self.block(index, number))
    }
    lines.append("plot " + (plots.isEmpty ? "NaN notitle" : plots.joined(separator: ", \\\n  ")))
    return lines
  }

  /// The legend as a plot without axes, in pixels, since gnuplot's own legend leaves out entries it has no room for.
  private var legendScript: [String] {
    guard !legend.isEmpty else { return [] }
    let top = Double(rows) * rowHeight
    var lines = [
      "reset", "unset border", "unset tics", "unset key", "set lmargin at screen 0", "set rmargin at screen 1",
      "set tmargin at screen \(1 - top / height)", "set bmargin at screen 0",
      "set xrange [0:\(Self.width)]", "set yrange [\(height - top):0]",
    ]
    var plots: [String] = []
    for (index, series) in legend.enumerated() {
      let left = Double(index / legendRows) * Self.width / Double(legendColumns) + 12
      let y = Double(index % legendRows) * Self.lineHeight + 10
      lines.append("set label \(quoted(series.label ?? "")) at \(left + Self.legendMark),\(y) left")
      if let dash = Self.dash(series.line) {
        plots.append(
          "'+' using (\(left) + $0 * 36):(\(y)) every ::0::1 with lines dt \(dash) lw \(series.width) "
            + "lc rgb '\(series.style.colour)'")
      }
      if series.hasMarks {
        plots.append(
          "'+' using (\(left + 18)):(\(y)) every ::0::0 with points pt \(series.style.shape) "
            + "ps \(min(series.style.size, 1.2)) lw 1.3 lc rgb '\(series.style.colour)'")
      }
    }
    lines.append("plot " + plots.joined(separator: ", \\\n  "))
    return lines
  }

  // MARK: gnuplot's words

  private static func commands(_ series: PlotSeries, _ block: String) -> [String] {
    let colour = "lc rgb '" + (series.isFaint ? "#a0" + series.style.colour.dropFirst() : series.style.colour) + "'"
    var commands: [String] = []
    if let dash = dash(series.line) {
      let kind = series.line == .steps || series.line == .dashedSteps ? "steps" : "lines"
      commands.append("\(block) using 1:2 with \(kind) dt \(dash) lw \(series.width) \(colour) notitle")
    }
    let hasXSpans = series.points.contains { $0.xSpan != nil }
    let hasYSpans = series.points.contains { $0.ySpan != nil }
    if hasXSpans {
      commands.append("\(block) using 1:2:3:4 with xerrorbars pt 0 ps 0 dt 1 lw 1 \(colour) notitle")
    }
    if hasYSpans {
      commands.append("\(block) using 1:2:5:6 with yerrorbars pt 0 ps 0 dt 1 lw 1 \(colour) notitle")
    }
    if series.hasMarks {
      let every = series.markStep > 1 ? "every \(series.markStep)::\(series.markFrom) " : ""
      commands.append(
        "\(block) \(every)using 1:2 with points pt \(series.style.shape) ps \(series.style.size) lw 1.3 \(colour) notitle"
      )
    }
    return commands
  }

  private static func dash(_ line: PlotSeries.Line) -> String? {
    switch line {
    case .none: nil
    case .solid, .steps: "1"
    case .dashed, .dashedSteps: "(9,6)"
    case .dotted: "(2,4)"
    }
  }

  private static func block(_ panel: Int, _ series: Int) -> String { "$p\(panel)s\(series)" }

  private static func row(_ point: PlotSeries.Point) -> String {
    func span(_ range: ClosedRange<Double>?) -> String {
      range.map { "\($0.lowerBound) \($0.upperBound)" } ?? "NaN NaN"
    }
    return "\(point.x) \(point.y) \(span(point.xSpan)) \(span(point.ySpan))"
  }

  /// A gnuplot string in single quotes, in which only the quote is special.
  private func quoted(_ text: String) -> String {
    let printable = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
    return "'" + String(String.UnicodeScalarView(printable)).replacing("'", with: "''") + "'"
  }

  /// A gnuplot string that may have several lines.
  private func text(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { quoted(String($0)) }.joined(
      separator: ".\"\\n\".")
  }
}

/// A coordinate system of a plot.
struct PlotPanel: Hashable {
  var title: String
  var x: PlotAxis
  var y: PlotAxis
  var series: [PlotSeries]

  /// A line at a value of one axis, across the whole other axis.
  enum Guide {
    case vertical(Double)
    case horizontal(Double)
  }

  /// Draws a guide below everything else.
  mutating func add(_ guide: Guide, label: String, line: PlotSeries.Line = .dashed) {
    let points: [PlotSeries.Point] =
      switch guide {
      case .vertical(let value): [.init(x: value, y: y.from), .init(x: value, y: y.to)]
      case .horizontal(let value): [.init(x: x.from, y: value), .init(x: x.to, y: value)]
      }
    series.insert(
      PlotSeries(label: label, style: .limit, line: line, width: 1.2, hasMarks: false, points: points), at: 0)
  }
}
