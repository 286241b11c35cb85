import Foundation
import Machine
import Records

/// The folder of a comparison of two builds while they are launched: `base/001`, `base/002`, ... and `new/001`, ...,
/// each the folder of a run that was finished.
///
/// A launch writes `launch-1`, `launch-2` and so on, by its place among those that are there at once, and by words as
/// long whichever build it is; finished, the folder is moved.
public final class LaunchFolder {
  /// The folder.
  public let path: String
  private let made: [String]

  /// Makes the folder, with the parents it lacks.
  ///
  /// - Parameter sides: the folders in it.
  /// - Throws: ``UserError``: of kind usage if the folder already holds something, which is left alone; of kind
  ///   io where it can't be made.
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

  /// Where the launch in place 0...9 of those that are there at once writes.
  public func launch(_ place: Int) -> String { "\(path)/launch-\(place + 1)" }

  /// Whether the launch in a place wrote anything.
  public func hasLaunch(_ place: Int) -> Bool { FileAccess.isFolder(launch(place)) }

  /// Moves what the launch wrote to its place among its side's, as number `number`, from 1. Returns the folder.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func keep(_ place: Int, side: String, number: Int) throws(UserError) -> String {
    let kept = "\(path)/\(side)/" + String(format: "%03d", number)
    try FileAccess.move(launch(place), to: kept, as: "cannot move \(launch(place)) to")
    return kept
  }

  /// Takes away what launches wrote that weren't finished.
  public func removeLaunches() {
    for place in 0...9 { try? FileManager.default.removeItem(atPath: launch(place)) }
  }

  /// Takes away what was made here and holds nothing: for launches that failed before any was finished.
  public func removeIfEmpty(sides: [String]) {
    for folder in sides.map({ path + "/" + $0 }) + made.reversed() { rmdir(folder) }
  }
}
