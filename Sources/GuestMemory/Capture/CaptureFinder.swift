import Foundation
import Glibc
import Machine
import Records
import SystemPackage

/// Finds a capture in what people have: a folder, a sosreport or another archive, a file with several files pasted into
/// it, or standard input. Goes by content; names only tell what to look at first.
struct CaptureFinder {
  /// A found part.
  private struct Found {
    var file: CaptureFile?  // nil: a log
    var texts: [CaptureText]
  }

  /// Files looked into when their names say nothing: in a folder of at most so many files each, in others only for want
  /// of a better one.
  private static let fewFiles = 64

  private var found: [Found] = []
  private(set) var notes: [String] = []
  private let path: String

  /// Reads the capture that is at a path.
  ///
  /// - Parameter nth: which of several copies in a file is taken, from 1; nil: the last.
  /// - Throws: ``CaptureError`` if nothing is found, or nothing that can be read; ``UserError`` of kind unavailable if an
  ///   archive can't be unpacked for want of a program.
  static func read(_ path: String, nth: Int?) throws -> CaptureReading {
    var finder = CaptureFinder(path: path)
    try finder.find()
    return try finder.reading(nth: nth)
  }

  private init(path: String) { self.path = path }

  private mutating func find() throws {
    if path != CaptureText.standardInputPath, FileAccess.isFolder(path) {
      let (path, files) = (path, try Self.procFiles(in: path) ?? Self.files(below: path))
      try look(at: files) { name in try CaptureText.load(path + "/" + name) }
      return
    }
    if let archive = try CaptureArchive(path) {
      let (path, names) = (path, try archive.names())
      try look(at: names) { name in CaptureText(name: "\(path):\(name)", bytes: try archive.file(name)) }
      return
    }
    add(try CaptureText.load(path), withLogs: true)
  }

  // MARK: looking

  /// Looks into files: those named like files of /proc, and others as far as something is missing.
  private mutating func look(at names: [String], _ load: (String) throws -> CaptureText) throws {
    let ranked = names.filter { Self.kind(named: $0) != nil }.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
    for name in ranked {
      // Since Linux 5.4 only root may read a pagetypeinfo.
      do { add(try load(name), withLogs: false) } catch let error as CaptureError where error.isUnreadable {
        notes.append("\(error)")
      }
    }
    let others = names.filter { Self.kind(named: $0) == nil }.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
    guard !hasCounts || others.count <= Self.fewFiles else { return }
    for name in others {
      // In a large folder one log is enough.
      if others.count > Self.fewFiles, hasCounts || found.contains(where: { $0.file == nil }) { return }
      // What can't be read, or is too large to be one of these files, is nothing that was asked for.
      guard let text = try? load(name) else { continue }
      add(text, withLogs: true)
    }
  }

  private var hasCounts: Bool { found.contains { $0.file == .buddyinfo || $0.file == .pagetypeinfo } }

  private mutating func add(_ text: CaptureText, withLogs: Bool) {
    let pieces = CapturePieces(text)
    for file in CaptureFile.allCases {
      if let texts = pieces.texts[file] { found.append(Found(file: file, texts: texts)) }
    }
    if withLogs, ShowMemTable.isIn(text) { found.append(Found(file: nil, texts: [text])) }
  }

  /// The kind that a name says: `proc/buddyinfo`, `host-buddyinfo.txt`.
  private static func kind(named name: String) -> CaptureFile? {
    let last = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
    return CaptureFile.allCases.first { last.contains($0.procName) }
  }

  /// The order in which files are looked at: those of /proc first, then logs, each by depth.
  private static func rank(_ name: String) -> Int {
    let parts = name.split(separator: "/")
    let last = parts.last.map { $0.lowercased() } ?? ""
    let isProc = parts.count > 1 && parts[parts.count - 2] == "proc"
    let isLog = ["dmesg", "journal", "messages", "kern", "syslog", "console"].contains { last.contains($0) }
    return parts.count + (isProc ? 0 : isLog ? 100 : 200)
  }

  /// The files of a folder that is /proc, or has a proc as a sosreport has, if one is a buddyinfo or pagetypeinfo; nil:
  /// it is none.
  private static func procFiles(in path: String) throws -> [String]? {
    for folder in ["", "proc/"] {
      let files = CaptureFile.allCases.filter { FileAccess.exists("\(path)/\(folder)\($0.procName)") }
      if files.contains(where: { $0 != .zoneinfo }) { return files.map { folder + $0.procName } }
    }
    return nil
  }

  /// The plain files below a folder, relative to it, in no particular order. Links aren't followed.
  private static func files(below path: String) throws -> [String] {
    var result: [String] = []
    var folders = [""]
    while let folder = folders.popLast() {
      let names: [String]
      do { names = try FileAccess.names(in: folder.isEmpty ? path : path + "/" + folder) } catch {
        if folder.isEmpty { throw error }
        continue
      }
      for name in names {
        let relative = folder.isEmpty ? name : folder + "/" + name
        var status = stat()
        guard lstat(path + "/" + relative, &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: folders.append(relative)
        case S_IFREG where status.st_size <= CaptureText.maximumBytes: result.append(relative)
        default: break
        }
      }
    }
    return result
  }

  // MARK: taking

  private mutating func reading(nth: Int?) throws(CaptureError) -> CaptureReading {
    let counted = found.filter { $0.file != .zoneinfo }
    guard let most = counted.map(\.texts.count).max() else {
      throw CaptureError(
        file: path, line: nil,
        what: found.isEmpty ? "has no buddyinfo, pagetypeinfo or kernel's log of free memory" : "has a zoneinfo alone",
        accepted: "a folder, an archive or a file with /proc/buddyinfo, /proc/pagetypeinfo or such a log in it")
    }
    let isLog = counted.allSatisfy { $0.file == nil }
    guard isLog || nth ?? 1 <= most else {
      throw CaptureError(
        file: counted[0].texts[0].name, line: 1, what: "there is no copy \(nth ?? 1)", accepted: "1 to \(most)")
    }
    var texts = CaptureReading.Texts(nth: nth)
    texts.buddyinfo = take(.buddyinfo, nth)
    texts.pagetypeinfo = take(.pagetypeinfo, nth)
    texts.zoneinfo = take(.zoneinfo, nth)
    if texts.buddyinfo == nil, texts.pagetypeinfo == nil { texts.showMem = take(nil, nil) }
    let missing = CaptureFile.allCases.filter { file in
      switch file {
      case .buddyinfo: texts.buddyinfo == nil && texts.pagetypeinfo == nil
      case .pagetypeinfo: texts.pagetypeinfo == nil
      case .zoneinfo: texts.zoneinfo == nil
      }
    }
    let reading = try CaptureReading(texts, goesOn: true)
    let means = missing.map { file in
      switch file {
      case .buddyinfo: "buddyinfo"
      case .pagetypeinfo: "pagetypeinfo (migratetypes)"
      case .zoneinfo: reading.capture.hasZoneDetails ? "zoneinfo (places of zones)" : "zoneinfo (places, watermarks)"
      }
    }
    if !means.isEmpty { notes.append("\(path) has no \(means.joined(separator: ", no "))") }
    return reading.with(notes: notes)
  }

  private mutating func take(_ file: CaptureFile?, _ nth: Int?) -> CaptureText? {
    let all = found.filter { $0.file == file }
    guard let first = all.first else { return nil }
    let index = min(nth ?? first.texts.count, first.texts.count) - 1
    let what = file?.procName ?? "log"
    var note = "\(what) taken from \(first.texts[index].name)"
    if first.texts.count > 1 {
      note += ", number \(index + 1) of \(first.texts.count)" + (nth == nil ? "; --nth takes another" : "")
    }
    let others = all.dropFirst().map { $0.texts[0].name }
    if !others.isEmpty {
      note += ", and not from \(others.prefix(3).joined(separator: ", "))" + (others.count > 3 ? ", ..." : "")
    }
    notes.append(note)
    return first.texts[index]
  }
}

/// An archive that `tar` reads, compressed or not.
struct CaptureArchive {
  private let path: String
  /// Standard input's bytes.
  private let input: MemoryFile?

  /// Nil if the file is no archive.
  init?(_ path: String) throws {
    var head: [UInt8]
    if path == CaptureText.standardInputPath {
      let bytes = try CaptureText.load(path).bytes
      guard Self.isArchive(bytes.prefix(512)) else { return nil }
      let file = try MemoryFile()
      try file.write(bytes)
      input = file
      self.path = file.path
      return
    }
    let file: FileDescriptor
    do throws(Errno) { file = try .opening(path, .readOnly) } catch {
      throw CaptureText.unreadable(path, error.rawValue)
    }
    defer { try? file.close() }
    // A pipe can be read once, and is a text.
    var status = stat()
    guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    do throws(Errno) { head = try file.readPiece(at: 0) } catch { throw CaptureText.unreadable(path, error.rawValue) }
    guard Self.isArchive(head.prefix(512)) else { return nil }
    input = nil
    self.path = path
  }

  private static func isArchive(_ head: ArraySlice<UInt8>) -> Bool {
    let magics: [[UInt8]] = [
      [0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a], [0x42, 0x5a, 0x68], [0x28, 0xb5, 0x2f, 0xfd],
    ]
    return magics.contains { head.starts(with: $0) } || head.dropFirst(257).starts(with: "ustar".utf8)
  }

  /// The names of its files.
  func names() throws -> [String] {
    let list = try tar(["-t", "-f", path], limit: CaptureText.maximumBytes)
    // Folders end in a slash; tar escapes odd names, which then can't be asked for.
    return String(decoding: list, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { !$0.hasSuffix("/") && !$0.contains("\\") }
  }

  /// The content of a file. Nothing is written anywhere.
  func file(_ name: String) throws -> [UInt8] {
    let bytes = try tar(["-x", "-O", "-f", path, "--", name], limit: CaptureText.maximumBytes)
    guard bytes.count <= CaptureText.maximumBytes else {
      throw CaptureError(
        file: "\(path):\(name)", line: 1, what: "the file is longer than \(CaptureText.maximumBytes >> 20) MiB",
        accepted: "a copy of one /proc file")
    }
    return bytes
  }

  private func tar(_ arguments: [String], limit: Int) throws -> [UInt8] {
    let output: (bytes: [UInt8], end: ProcessEnd)
    do throws(SystemCallError) { output = try CommandOutput.bytes(of: ["tar"] + arguments, limit: limit) } catch {
      guard error.code == ENOENT else { throw error }
      throw UserError(.unavailable, "\(path): an archive, and there is no tar to unpack it; expected the program tar")
    }
    guard output.end == .exited(0) || output.bytes.count > limit else {
      throw CaptureError(
        file: path, line: nil, what: "tar can't unpack it (\(output.end))",
        accepted: "a whole archive, and the program that unpacks it: gzip, xz, bzip2 or zstd")
    }
    return output.bytes
  }
}
