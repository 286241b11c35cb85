import Experiments
import Machine
import Records

@testable import Reporting

// What a report knows of is everything this program has.
extension VariantStyles {
  init(_ figures: [[StrategyVariant]]) { self.init(figures, known: Catalogue.all.strategies.map(\.name)) }
}

extension Report {
  init(of folders: [String], path: ProgramPath = ProgramPath()) throws(UserError) {
    try self.init(of: folders, .all, path: path)
  }

  static func page(
    of runs: [ReportRun], draw: (Plot) throws(UserError) -> SVGPicture
  ) throws(UserError) -> ReportPage { try page(of: runs, .all, draw: draw) }
}

extension ReportRun {
  init(_ path: String) throws(UserError) { try self.init(path, .all) }
}
