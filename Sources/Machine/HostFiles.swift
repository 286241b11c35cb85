import Glibc
import SystemPackage

/// Reads the kernel's small text files below a root, which tests replace.
///
/// An absent or unreadable file is nil, never a made-up value.
public struct HostFiles: Sendable {
  /// The directory used as `/`.
  public let root: String

  public init(root: String = "/") {
    self.root = root
  }

  /// Reads the file at the absolute path `path` below the root.
  public func text(_ path: String) -> String? {
    guard let file = try? FileDescriptor.opening(located(path), .readOnly) else { return nil }
    defer { try? file.close() }
    return (try? file.readToEnd()).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The first line of the file, trimmed; nil if it is empty.
  public func line(_ path: String) -> String? {
    guard let first = text(path)?.split(separator: "\n", maxSplits: 1).first else { return nil }
    let line = first.trimmingBlanks()
    return line.isEmpty ? nil : line
  }

  /// The file's first line as a number; nil if it isn't one, such as `max`.
  public func integer(_ path: String) -> Int? { line(path).flatMap { Int($0) } }

  /// Names in the directory, sorted, without `.` and `..`.
  public func entries(_ path: String) -> [String]? {
    guard let directory = opendir(located(path)) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
          String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The errno of opening the file for reading and writing; nil if it opens.
  package func refusal(of path: String) -> Int32? {
    do throws(Errno) {
      let file = try FileDescriptor.opening(located(path), .readWrite, options: .nonBlocking)
      try? file.close()
      return nil
    } catch {
      return error.rawValue
    }
  }

  /// The processor's flags, by Linux's names on x86 (/proc/cpuinfo); nil if not listed.
  package var processorFlags: Set<Substring>? {
    value(of: "flags", in: "/proc/cpuinfo").map { Set($0.split(separator: " ")) }
  }

  /// The trimmed text after `key` and a colon, in the first such line of the file.
  package func value(of key: String, in path: String) -> String? {
    guard let text = text(path) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      let rest = line.dropFirst(key.count).drop { $0 == " " || $0 == "\t" }
      if rest.first == ":" { return rest.dropFirst().trimmingBlanks() }
    }
    return nil
  }

  private func located(_ path: String) -> String {
    root.hasSuffix("/") ? root + path.drop { $0 == "/" } : root + "/" + path.drop { $0 == "/" }
  }
}

extension Substring {
  /// The text without surrounding blanks and line ends.
  package func trimmingBlanks() -> String {
    var rest = self.drop { $0.isWhitespace }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
