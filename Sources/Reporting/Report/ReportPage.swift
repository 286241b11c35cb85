/// A report's content, independent of its format: the same for HTML and Markdown.
package struct ReportPage {
  var title: String
  /// What was run, one paragraph each.
  var lead: [String]
  var runs: [RunFacts]
  var sections: [Section]

  /// A section for one experiment, or for all.
  package struct Section {
    /// The anchor.
    var name: String
    var title: String
    package var lead: [String] = []
    var figures: [FigureView] = []
    package var tables: [TableContent] = []
    /// Notes below the tables, one paragraph each.
    package var notes: [String] = []
  }

  /// A drawn figure.
  struct FigureView {
    var name: String
    var title: String
    var pictures: [Picture]
    /// The captions, one paragraph each.
    var captions: [String]
    var source: String
    var tables: [TableContent]
    /// Whether the tables are shown open.
    var opensTables = false
  }

  /// A picture, with the plot's name.
  struct Picture {
    var name: String
    var title: String
    var svg: SVGPicture
  }
}

extension ReportPage.Section {
  /// A section of tables.
  package init(name: String, title: String, lead: [String], tables: [TableContent], notes: [String]) {
    self.init(name: name, title: title, lead: lead)
    self.tables = tables
    self.notes = notes
  }
}
