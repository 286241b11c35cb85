import Foundation
import Machine
import Records

/// The folder of a comparison of two builds while it runs: `base/001`, `base/002`, ... and `new/001`, ..., each the
/// folder of a finished run.
///
/// A running launch writes to `launch-1`, `launch-2` and so on, by its place in the quartet, so that its arguments have
/// the same length for either build; its folder is moved when it has finished.
public final class LaunchFolder {
  /// The folder's path.
  public let path: String
  private let made: [String]

  /// Creates the folder and its missing parents.
  ///
  /// - Parameter sides: the names of its subfolders.
  /// - Throws: ``UserError``: of kind usage if the folder isn't empty, which is left unchanged; of kind io if it can't
  ///   be created.
  public init(newAt path: String, sides: [String]) throws(UserError) {
    self.path = path
    made = try FileAccess.makeFolders(path)
    guard try FileAccess.names(in: path).isEmpty else {
      throw UserError(
        kind: .usage, path: path, problem: "the folder isn't empty", help: "name a new one with --out")
    }
    for side in sides {
      try FileAccess.makeFolder(path + "/" + side)
    }
  }

  /// The folder that the launch in place 0...9 writes to.
  public func launch(_ place: Int) -> String { "\(path)/launch-\(place + 1)" }

  /// Whether the launch in a place wrote anything.
  public func hasLaunch(_ place: Int) -> Bool { FileAccess.isFolder(launch(place)) }

  /// Moves a launch's folder to number `number`, from 1, of its side. Returns the new path.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func keep(_ place: Int, side: String, number: Int) throws(UserError) -> String {
    let kept = "\(path)/\(side)/" + String(format: "%03d", number)
    try FileAccess.move(launch(place), to: kept, as: "cannot move \(launch(place)) to")
    return kept
  }

  /// Removes the folders of launches that didn't finish.
  public func removeLaunches() {
    for place in 0...9 { try? FileManager.default.removeItem(atPath: launch(place)) }
  }

  /// Removes the created folders if they are empty, for launches that failed before any finished.
  public func removeIfEmpty(sides: [String]) {
    for folder in sides.map({ path + "/" + $0 }) + made.reversed() { rmdir(folder) }
  }
}
