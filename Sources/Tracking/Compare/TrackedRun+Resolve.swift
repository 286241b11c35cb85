import Foundation
import Reporting

extension TrackedRun {
  /// What a word on the command line means: a run's folder, or a folder of run folders, by name.
  ///
  /// - Throws: ``ReportingError``, of kind input, with file and line, where one isn't what this program writes.
  public static func resolve(_ word: String) throws(ReportingError) -> [TrackedRun] {
    let manager = FileManager.default
    if !manager.fileExists(atPath: word + "/meta.json"),
      let names = try? manager.contentsOfDirectory(atPath: word).sorted()
    {
      let folders = names.map { "\(word)/\($0)" }.filter { manager.fileExists(atPath: $0 + "/meta.json") }
      var runs: [TrackedRun] = []
      for folder in folders { runs.append(try TrackedRun(folder: folder)) }
      if !runs.isEmpty { return runs }
    }
    return [try TrackedRun(folder: word)]
  }
}
