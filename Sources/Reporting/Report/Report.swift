import Foundation
import Machine
import Records

/// The tables and plots of runs, as one page.
public struct Report {
  /// The name of the HTML page.
  public static let htmlFile = "report.html"
  /// The name of the Markdown page.
  public static let markdownFile = "report.md"
  /// The folder of the Markdown page's plots.
  public static let plotsFolder = "report-plots"

  let page: ReportPage

  /// Reads the runs and draws their plots.
  ///
  /// - Parameters:
  ///   - folders: the run folders.
  ///   - path: where gnuplot is looked up.
  /// - Throws: ``UserError``: of kind input if a folder isn't a run's; of kind unavailable if gnuplot is missing or
  ///   fails; of kind usage if a run is given twice.
  public init(
    of folders: [String], _ catalogue: Catalogue, path: ProgramPath = ProgramPath()
  ) throws(UserError) {
    try self.init(of: folders, catalogue, path: path, also: [])
  }

  /// The same.
  ///
  /// - Parameter also: sections behind those of the experiments.
  package init(
    of folders: [String], _ catalogue: Catalogue, path: ProgramPath = ProgramPath(), also: [ReportPage.Section]
  ) throws(UserError) {
    let gnuplot = try Gnuplot(path)
    var runs: [ReportRun] = []
    for folder in folders {
      let run = try ReportRun(folder, catalogue)
      if let same = runs.first(where: { $0.meta.runID == run.meta.runID }) {
        throw UserError(
          kind: .usage, path: folder, problem: "the run of \(same.reader.path) again", help: "name each run once")
      }
      runs.append(run)
    }
    page = try Self.page(of: runs, catalogue, also: also) { (plot) throws(UserError) in
      try SVGPicture(try gnuplot.draw(plot), of: plot)
    }
  }

  /// Writes report.html, report.md and the folder of its plots, replacing an earlier report. The folder is created if
  /// missing. Each file is written completely or not at all.
  ///
  /// - Returns: the paths of the HTML and the Markdown page.
  /// - Throws: ``UserError`` of kind io.
  public func write(to folder: String) throws(UserError) -> [String] {
    let html = try ReportTemplates.html(page)
    let markdown = try ReportTemplates.markdown(page, plots: Self.plotsFolder)
    if !FileAccess.isFolder(folder) { _ = try FileAccess.makeFolders(folder) }
    let plots = folder + "/" + Self.plotsFolder
    let new = plots + FileAccess.temporarySuffix
    // Leftovers of a killed report.
    if FileAccess.isFolder(new) { try FileAccess.removeFolder(new) }
    do throws(UserError) {
      _ = try FileAccess.makeFolders(new)
      for picture in page.sections.flatMap(\.figures).flatMap(\.pictures) {
        try FileAccess.writeAtomically(Array(picture.svg.file.utf8), to: "\(new)/\(picture.name).svg")
      }
      // The HTML contains its plots; the Markdown and its plots are replaced in direct succession.
      try FileAccess.writeAtomically(Array(html.utf8), to: folder + "/" + Self.htmlFile)
      if FileAccess.isFolder(plots) { try FileAccess.removeFolder(plots) }
      try FileAccess.move(new, to: plots, as: "cannot make")
    } catch {
      try? FileAccess.removeFolder(new)
      throw error
    }
    try FileAccess.writeAtomically(Array(markdown.utf8), to: folder + "/" + Self.markdownFile)
    return [Self.htmlFile, Self.markdownFile].map { folder + "/" + $0 }
  }

  // MARK: what it says

  static func page(
    of runs: [ReportRun], _ catalogue: Catalogue, also: [ReportPage.Section] = [],
    draw: (Plot) throws(UserError) -> SVGPicture
  ) throws(UserError) -> ReportPage {
    // Of machine and program titles say what differs.
    let shared = runs.dropFirst().reduce(Set(runs.first?.placeParts ?? [])) { $0.intersection($1.placeParts) }
    let cells = runs.enumerated().flatMap { number, run in
      let place = run.placeParts.filter { !shared.contains($0) }.joined(separator: ", ")
      return run.cells.map { ReportCell($0, runs: run.runs[$0.cellID] ?? [], place: place, run: number) }
    }
    let cards = catalogue.experiments.filter { card in cells.contains { $0.cell.experiment == card.name } }
    let styles = VariantStyles(
      cards.map { card in cells.filter { $0.cell.experiment == card.name }.map(\.variant) },
      known: catalogue.strategies.map(\.name))
    var sections: [ReportPage.Section] = []
    for card in cards {
      let data = ExperimentData(
        card, runs: runs, cells: cells, styles: styles, published: catalogue.migrations,
        publishedReporting: catalogue.reporting)
      sections.append(try section(of: data, draw))
    }
    sections += also
    sections.append(goals(cells, catalogue))
    sections.append(reading)
    let machines = Set(runs.map(\.place)).count
    return ReportPage(
      title: runs.count == 1 ? "hintbench: run \(runs[0].meta.runID)" : "hintbench: \(runs.count) runs",
      lead: [
        """
        How Linux guests tell their host which memory is free: how long each strategy holds zone->lock, what it costs, \
        how much of free memory it covers.
        """
      ] + (cells.isEmpty ? ["No repetition is finished yet."] : [])
        + (machines > 1
          ? ["The runs are from \(machines) machines or builds; each has its own panels, and no line joins them."]
          : []),
      runs: runs.map(RunFacts.init), sections: sections)
  }

  private static func section(
    of data: ExperimentData, _ draw: (Plot) throws(UserError) -> SVGPicture
  ) throws(UserError) -> ReportPage.Section {
    var section = ReportPage.Section(
      name: data.card.name, title: data.card.name,
      lead: [data.card.question.prefix(1).uppercased() + data.card.question.dropFirst() + "."])
    if !data.oversubscribed.isEmpty {
      let number = data.oversubscribed.count
      section.lead.append(
        """
        Excluded from all figures: \(number == 1 ? "an oversubscribed cell" : "\(number) oversubscribed cells") (more \
        measured threads than CPUs): \(oversubscribed(data)). They are in the tables.
        """)
    }
    for figure in ReportFigures.all {
      guard let content = figure.content(of: data) else { continue }
      let plots = plots(of: content, name: "\(data.card.name)-\(figure.name)", title: figure.title)
      var pictures: [ReportPage.Picture] = []
      for plot in plots { pictures.append(.init(name: plot.name, title: plot.title, svg: try draw(plot))) }
      section.figures.append(
        ReportPage.FigureView(
          name: "\(data.card.name)-\(figure.name)", title: figure.title, pictures: pictures,
          captions: [figure.caption, provenance(content, data)], source: figure.source, tables: content.tables,
          opensTables: content.opensTables))
    }
    section.tables += HoldsByKernelTable.all(of: data) + RatioTables.all(of: data)
    for run in data.runs {
      let cells = run.cells.filter { $0.experiment == data.card.name }
      guard !cells.isEmpty else { continue }
      let lead = data.runs.count > 1 ? "Run \(run.meta.runID), " : ""
      let results = ResultTable(cells: cells, runs: run.reader.runs, meta: run.meta)
      for part in results.sections {
        section.tables += part.tables.map { table in
          var table = table
          table.caption = lead + part.heading + (table.caption.map { ". " + $0 } ?? "")
          return table
        }
        section.notes += part.answer.map { lead + part.heading + ". " + $0 }
      }
      let own = ExperimentTable(
        data.card, cells: cells, runs: run.reader.runs, rows: run.rows[data.card.name] ?? [])
      if var table = own.content(allColumns: true) {
        table.caption = lead + (table.caption ?? "")
        section.tables.append(table)
      }
      section.notes += results.notes.filter { !section.notes.contains($0) }
    }
    if let meanings = meanings(of: data) { section.tables.append(meanings) }
    return section
  }

  /// A sentence on the oversubscribed cells, which are left out of figures.
  private static func oversubscribed(_ data: ExperimentData) -> String {
    CellGroups(data.cells + data.oversubscribed, open: []).groups.compactMap { group in
      let names = group.cells.filter(\.cell.oversubscribed).map { data.label($0.variant) }
      return names.isEmpty ? nil : (group.title.isEmpty ? "" : group.title + ": ") + names.joined(separator: ", ")
    }.joined(separator: "; ")
  }

  /// A table of the meanings of EXPERIMENT.csv's columns.
  private static func meanings(of data: ExperimentData) -> TableContent? {
    let present = Set(data.runs.flatMap { ($0.rows[data.card.name] ?? []).flatMap(\.keys) })
    let columns = data.card.columns.filter { present.contains($0.name) }
    guard !columns.isEmpty else { return nil }
    return TableContent(
      caption: "The columns of \(data.card.name).csv", titles: ["column", "unit", "better", "meaning"],
      rows: columns.map { [$0.name, $0.unit, $0.direction.name, $0.meaning] }, leftAligned: [0, 1, 2, 3])
  }

  /// Splits a figure's panels into plots.
  private static func plots(of content: FigureContent, name: String, title: String) -> [Plot] {
    let count = (content.panels.count + content.panelsPerPlot - 1) / content.panelsPerPlot
    return (0..<count).map { index in
      let panels = Array(content.panels.dropFirst(index * content.panelsPerPlot).prefix(content.panelsPerPlot))
      let shown = panels.map(\.title).filter { !$0.isEmpty }
      return Plot(
        name: count == 1 ? name : "\(name)-\(index + 1)",
        title: title + (shown.isEmpty ? "" : ": " + shown.joined(separator: "; ")),
        columns: min(content.columns, content.panels.count),
        panelHeight: content.panelHeight, leftMargin: content.leftMargin, panels: panels)
    }
  }

  /// The machine and repetitions of a figure.
  private static func provenance(_ content: FigureContent, _ data: ExperimentData) -> String {
    let shown = Set(content.cells.map(\.run)).sorted().map { data.runs[$0] }
    let counts = content.cells.map(\.cell.repetitions)
    let lowest = counts.min() ?? 0
    let highest = counts.max() ?? 0
    let places = shown.map { "\($0.place), \($0.date)" }
    var seen: Set<String> = []
    let preempted = content.cells.compactMap(\.cell.preemptedRepetitions).reduce(0, +)
    let coarse = content.cells.contains(where: \.isCoarse)
    let missing = Set(data.cells.map(\.place)).subtracting(content.cells.map(\.place)).count
    let parts: [String?] = [
      "Measured on \(places.filter { seen.insert($0).inserted }.joined(separator: "; and on "))",
      content.common.isEmpty ? nil : "all with: \(content.common)",
      "\(lowest == highest ? "\(lowest)" : "\(lowest) to \(highest)") repetition\(highest == 1 ? "" : "s") of each"
        + (preempted == 0
          ? "" : ", \(preempted) of \(counts.reduce(0, +)) with a preempted thread, which are kept"),
      coarse
        ? "guests of a granule above 0 are dashed, and never joined with exact ones: their times are lower bounds"
        : nil,
      missing == 0
        ? nil : "\(missing) of the \(data.cells.count) cells have no data for this figure",
      data.oversubscribed.isEmpty
        ? nil : "oversubscribed cells are left out (\(data.oversubscribed.count), named above)",
    ]
    return parts.compactMap { $0 }.joined(separator: ". ").replacing(". all with", with: ". All with")
      .replacing(". guests of", with: ". Guests of").replacing(". oversubscribed", with: ". Oversubscribed") + "."
  }

  private static func goals(_ cells: [ReportCell], _ catalogue: Catalogue) -> ReportPage.Section {
    let shown = Set(cells.map(\.variant.base))
    let listing = StrategyListing.strategies(
      catalogue.strategies.filter { shown.contains($0.name) }, catalogue)
    return ReportPage.Section(
      name: "goals", title: "What each strategy may serve", lead: [StrategyListing.goals],
      tables: listing.rows.isEmpty
        ? []
        : [
          TableContent(titles: listing.titles, rows: listing.rows, leftAligned: Set(listing.titles.indices))
        ])
  }

  private static let reading = ReportPage.Section(
    name: "reading", title: "How to read this",
    lead: [
      """
      A mark is the median of the repetitions; its bar spans the lowest to the highest. No statistical model is \
      involved. A strategy has the same mark and colour in every figure; marks are distinguishable without colour.
      """,
      """
      Guests are modelled: struct pages, free lists and a Linux kernel's rules in ordinary memory. A hold lasts from after \
      acquiring zone->lock to before releasing it, probe cost included; a kernel would have interrupts off for that \
      long. Speed comes from a separate pass without a probe.
      """,
      """
      Values that could not be measured are left out or shown as -, with the reason above. Figures are from one \
      machine; differences smaller than the bars are noise.
      """,
    ])
}
