import Foundation
import Glibc
import Machine
import Records

/// The captures of a folder, in the order of their names: what ``CaptureWatch`` wrote, or others named so that they sort.
public struct CaptureSeries: Sendable {
  /// A capture of the series.
  public struct Element: Hashable, Sendable {
    public var path: String
    /// The file's name without the ending `.txt`.
    public var name: String
  }

  public private(set) var captures: [Element] = []
  /// What in the folder is no capture, and why: a line each.
  public private(set) var skipped: [String] = []

  /// Looks into each file of a folder. What is a capture is told by content; folders and names that begin with a dot, which
  /// a file has while it is written, are skipped.
  ///
  /// - Parameter nth: as in ``CaptureFiles``.
  /// - Throws: ``UserError``: usage if the path is no folder, input if it has no capture, io if it can't be read.
  public init(folder: String, nth: Int? = nil) throws(UserError) {
    guard folder != CaptureText.standardInputPath else {
      throw .usage("--each can't be combined with standard input: expected --capture with a folder")
    }
    guard FileAccess.isFolder(folder) || !FileAccess.exists(folder) else {
      throw .usage("--each: \(folder) is no folder: expected one with the captures of a series")
    }
    for name in try FileAccess.names(in: folder).sorted() {
      let path = HostCapture.join(folder, name)
      var status = stat()
      guard !name.hasPrefix("."), stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        skipped.append("\(path): expected a plain file whose name doesn't begin with a dot")
        continue
      }
      do throws(UserError) {
        _ = try CaptureFiles(capture: path, nth: nth).read()
        captures.append(Element(path: path, name: name.hasSuffix(".txt") ? String(name.dropLast(4)) : name))
      } catch {
        guard error.kind != .usage else { throw error }
        skipped.append("\(error)")
      }
    }
    guard !captures.isEmpty else {
      throw UserError(
        .input,
        "\(folder): none of its \(skipped.count) files is a capture: expected what `hintbench capture --watch` writes")
    }
    // a and a.txt would be one name.
    let names = Dictionary(grouping: captures, by: \.name)
    for index in captures.indices where (names[captures[index].name]?.count ?? 0) > 1 {
      captures[index].name = captures[index].path.split(separator: "/").last.map(String.init) ?? ""
    }
  }

  /// The name of a capture taken at a time: `20261201T152300.120Z`.
  static func name(of date: Date) -> String {
    let milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded(.down))
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    return String(
      format: "%04d%02d%02dT%02d%02d%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
      parts.tm_min, parts.tm_sec, Int32(milliseconds % 1000))
  }
}
