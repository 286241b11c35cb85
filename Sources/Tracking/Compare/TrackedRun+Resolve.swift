import Foundation
import Records
import Reporting

extension TrackedRun {
  /// Resolves a command-line argument: a run folder, a folder of run folders, or a name in the history.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if a file is invalid or the argument is none of these.
  public static func resolve(_ word: String, history: String, _ catalogue: Catalogue) throws -> [TrackedRun] {
    let manager = FileManager.default
    if !manager.fileExists(atPath: word + "/meta.json"),
      let names = try? manager.contentsOfDirectory(atPath: word).sorted()
    {
      let folders = names.map { "\(word)/\($0)" }.filter { manager.fileExists(atPath: $0 + "/meta.json") }
      if !folders.isEmpty { return try folders.map { try TrackedRun(folder: $0, catalogue).mapped } }
    }
    // Without a history, a missing path is still reported as a path.
    guard !manager.fileExists(atPath: word), manager.fileExists(atPath: history) else {
      return [try TrackedRun(folder: word, catalogue).mapped]
    }
    return [try History(history, for: .reading, catalogue).run(named: word)]
  }
}
