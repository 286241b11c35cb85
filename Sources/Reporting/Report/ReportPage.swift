/// What a report says, before it is put into a form: the same for HTML and Markdown.
struct ReportPage {
  var title: String
  /// What was run, a paragraph each.
  var lead: [String]
  var runs: [RunFacts]
  var sections: [Section]

  /// One experiment, or what belongs to all.
  struct Section {
    /// For links to it.
    var name: String
    var title: String
    var lead: [String] = []
    var figures: [FigureView] = []
    var tables: [TableContent] = []
    /// What stands under the tables, a paragraph each.
    var notes: [String] = []
  }

  /// A drawn figure.
  struct FigureView {
    var name: String
    var title: String
    var pictures: [Picture]
    /// What it shows, a paragraph each.
    var captions: [String]
    var source: String
    var tables: [TableContent]
    /// Whether the tables are seen at once.
    var opensTables = false
  }

  /// A picture, and the plot's name.
  struct Picture {
    var name: String
    var title: String
    var svg: SVGPicture
  }
}
