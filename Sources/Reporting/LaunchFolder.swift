import Foundation

/// The folder of a comparison of two builds while they are launched: `base/001`, `base/002`, ... and `new/001`, ..., each
/// the folder of a run that was finished.
///
/// Every launch writes `launch`, whichever build it is, so that both are called with the same words; finished, the folder
/// is moved to its place.
public final class LaunchFolder {
  /// The folder.
  public let path: String
  private let made: [String]

  /// Makes the folder, with the parents it lacks.
  ///
  /// - Parameter sides: the folders in it.
  /// - Throws: ``ReportingError``: of kind usage where the folder already holds something, which is left alone; of kind
  ///   io where it can't be made.
  public init(newAt path: String, sides: [String]) throws(ReportingError) {
    self.path = path
    made = try FileAccess.makeFolders(path)
    guard try FileAccess.names(in: path).isEmpty else {
      throw ReportingError(
        kind: .usage, path: path, problem: "the folder isn't empty", help: "name a new one with --out")
    }
    for side in sides {
      let folder = path + "/" + side
      guard mkdir(folder, 0o755) == 0 else { throw .system("cannot make the folder", folder, errno) }
    }
  }

  /// Where a launch writes.
  public var launch: String { path + "/launch" }

  /// Whether a launch wrote anything.
  public var hasLaunch: Bool { FileAccess.isFolder(launch) }

  /// Moves what the launch wrote to its place, as number `number` of its side, from 1. Returns the place.
  ///
  /// - Throws: ``ReportingError`` of kind io.
  public func keep(side: String, number: Int) throws(ReportingError) -> String {
    let place = "\(path)/\(side)/" + String(format: "%03d", number)
    guard rename(launch, place) == 0 else { throw .system("cannot move \(launch) to", place, errno) }
    return place
  }

  /// Takes away what was made here and holds nothing: for launches that failed before any was finished.
  public func removeIfEmpty(sides: [String]) {
    for folder in sides.map({ path + "/" + $0 }) + made.reversed() { rmdir(folder) }
  }
}
