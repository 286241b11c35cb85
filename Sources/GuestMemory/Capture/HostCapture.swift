import Glibc
import Machine
import SystemPackage

/// Captures the running machine: /proc/buddyinfo, /proc/pagetypeinfo and /proc/zoneinfo as files that `Capture.read`
/// accepts.
public struct HostCapture: Sendable {
  /// The most readings of buddyinfo and pagetypeinfo until both show the same state.
  public static let maximumAttempts = 20

  private let load: @Sendable (CaptureFile) throws(CaptureError) -> CaptureText

  /// - Parameter procRoot: where the proc file system is mounted.
  public init(procRoot: String = "/proc") {
    self.init { file throws(CaptureError) in try CaptureText.load("\(procRoot)/\(file.procName)") }
  }

  /// Creates a capture that reads with `load`, which is called for each attempt.
  init(load: @escaping @Sendable (CaptureFile) throws(CaptureError) -> CaptureText) {
    self.load = load
  }

  /// Writes the machine's files into `directory`, which is created if missing.
  ///
  /// The three files are read one right after the other. If buddyinfo and pagetypeinfo disagree, memory changed in
  /// between, and all are read again, up to `maximumAttempts` times; then pagetypeinfo is left out. A pagetypeinfo or
  /// zoneinfo that can't be read or modelled is left out, too, so that everything written can be read back.
  ///
  /// - Throws: `.capture` if buddyinfo itself can't be captured, `.exists` if a file of one of the three names exists
  ///   and isn't empty, `.io` if writing fails. Nothing is left behind then.
  public func write(to directory: String) throws(CaptureWriteError) -> CaptureWriteResult {
    for file in CaptureFile.allCases { try Self.checkFree(Self.path(file, in: directory)) }
    let taken = try takeOrThrow()
    var written: [CaptureFile: String] = [:]
    for file in CaptureFile.allCases where taken.texts[file] != nil { written[file] = Self.path(file, in: directory) }
    let files = CaptureFile.allCases.compactMap { file in
      taken.texts[file].map { (Self.path(file, in: directory), $0.bytes) }
    }
    try Self.store(files, in: directory)
    return CaptureWriteResult(
      written: written, omitted: taken.omitted, attempts: taken.attempts, capture: taken.capture)
  }

  /// Writes the machine's files as one new file, in the form that `--capture` takes: each after a line `==> PATH <==`, as
  /// `tail -n +1` of several files prints them. They are taken as by ``write(to:)``.
  ///
  /// - Throws: `.capture` if buddyinfo itself can't be captured, `.exists` if the file exists and isn't empty, `.io` if
  ///   writing fails. Nothing is left behind then.
  public func write(toFile path: String) throws(CaptureWriteError) -> CaptureWriteResult {
    try Self.checkFree(path)
    let taken = try takeOrThrow()
    try Self.store([(path, taken.joined)], in: nil)
    return CaptureWriteResult(
      written: taken.texts.mapValues { _ in path }, omitted: taken.omitted, attempts: taken.attempts,
      capture: taken.capture)
  }

  /// The machine's files as ``write(toFile:)`` writes them.
  ///
  /// - Throws: `.capture` if buddyinfo itself can't be captured.
  public func text() throws(CaptureWriteError) -> (bytes: [UInt8], omitted: [CaptureOmission]) {
    let taken = try takeOrThrow()
    return (taken.joined, taken.omitted)
  }

  // MARK: - Taking

  private struct Taken {
    var texts: [CaptureFile: CaptureText]
    var omitted: [CaptureOmission]
    var attempts: Int
    var capture: Capture

    /// All files in one.
    var joined: [UInt8] {
      var bytes: [UInt8] = []
      for file in CaptureFile.allCases {
        guard let text = texts[file] else { continue }
        bytes += "==> /proc/\(file.procName) <==\n".utf8
        bytes += text.bytes
        bytes += text.bytes.last == UInt8(ascii: "\n") ? "\n".utf8 : "\n\n".utf8
      }
      return bytes
    }
  }

  private func takeOrThrow() throws(CaptureWriteError) -> Taken {
    do { return try take() } catch { throw .capture(error) }
  }

  private func take() throws(CaptureError) -> Taken {
    var attempts = 0
    while true {
      attempts += 1
      // Only read between the first and the last file: parsing allocates memory, which changes the figures.
      let buddyinfo = try load(.buddyinfo)
      let pagetypeinfo = attempt(.pagetypeinfo)
      let zoneinfo = attempt(.zoneinfo)

      var taken = Taken(
        texts: [.buddyinfo: buddyinfo], omitted: [], attempts: attempts, capture: try Capture(buddyinfo: buddyinfo))
      switch pagetypeinfo {
      case .failure(let error):
        taken.omitted.append(CaptureOmission(file: .pagetypeinfo, reason: .unreadable(error)))
      case .success(let text):
        do {
          taken.capture = try Capture(buddyinfo: buddyinfo, pagetypeinfo: text)
          taken.texts[.pagetypeinfo] = text
        } catch {
          if error.kind == .inconsistent, attempts < Self.maximumAttempts { continue }
          let reason: CaptureOmission.Reason =
            error.kind == .inconsistent ? .unsteady(attempts: attempts, last: error) : .refused(error)
          taken.omitted.append(CaptureOmission(file: .pagetypeinfo, reason: reason))
        }
      }
      switch zoneinfo {
      case .failure(let error):
        taken.omitted.append(CaptureOmission(file: .zoneinfo, reason: .unreadable(error)))
      case .success(let text):
        do {
          taken.capture = try Capture(
            buddyinfo: buddyinfo, pagetypeinfo: taken.texts[.pagetypeinfo], zoneinfo: text)
          taken.texts[.zoneinfo] = text
        } catch {
          taken.omitted.append(CaptureOmission(file: .zoneinfo, reason: .refused(error)))
        }
      }
      return taken
    }
  }

  private func attempt(_ file: CaptureFile) -> Result<CaptureText, CaptureError> {
    do { return .success(try load(file)) } catch { return .failure(error) }
  }

  // MARK: - Storing

  private static func path(_ file: CaptureFile, in directory: String) -> String { join(directory, file.fileName) }

  static func join(_ directory: String, _ name: String) -> String {
    directory.isEmpty || directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }

  /// Refuses a path at which anything but an empty file exists.
  private static func checkFree(_ path: String) throws(CaptureWriteError) {
    var status = stat()
    if lstat(path, &status) != 0 {
      if errno == ENOENT || errno == ENOTDIR { return }  // making the directory will tell about the latter
      throw .io(path: path, operation: "look at it", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 else { throw .exists(path: path) }
  }

  /// Writes all files under temporary names beside their own and renames them once all are complete. If a step fails,
  /// removes what it wrote. `directory`: created if missing; nil: it is there.
  private static func store(
    _ files: [(path: String, bytes: [UInt8])], in directory: String?
  ) throws(CaptureWriteError) {
    var made: [String] = []  // files, to be unlinked
    var madeDirectories: [String] = []
    do throws(CaptureWriteError) {
      if let directory { try makeDirectories(directory, &madeDirectories) }
      var moves: [(from: String, to: String)] = []
      for file in files {
        let path = FilePath(file.path)
        let name = ".\(path.lastComponent?.string ?? "").\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let temporary = path.removingLastComponent().appending(name).string
        try writeNew(file.bytes, to: temporary, &made)
        moves.append((temporary, file.path))
      }
      for move in moves {
        try checkFree(move.to)
        guard rename(move.from, move.to) == 0 else {
          throw .io(path: move.to, operation: "rename a file to it", code: errno)
        }
        made.removeAll { $0 == move.from }
        made.append(move.to)
      }
    } catch {
      for path in made { unlink(path) }
      remove(directories: madeDirectories)
      throw error
    }
  }

  /// Removes directories that ``makeDirectories(_:_:)`` made, as far as they are empty.
  static func remove(directories: [String]) {
    for path in directories.reversed() { rmdir(path) }
  }

  static func makeDirectories(_ directory: String, _ made: inout [String]) throws(CaptureWriteError) {
    var path = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      path += part
      if !path.isEmpty, path != "/" {
        if mkdir(path, 0o777) == 0 {
          made.append(path)
        } else if errno != EEXIST {
          throw .io(path: path, operation: "make the directory", code: errno)
        }
      }
      path += "/"
    }
  }

  private static func writeNew(_ bytes: [UInt8], to path: String, _ made: inout [String]) throws(CaptureWriteError) {
    let file: FileDescriptor
    do throws(Errno) {
      file = try .opening(
        path, .writeOnly, options: [.create, .exclusiveCreate], permissions: FilePermissions(rawValue: 0o666))
    } catch {
      throw .io(path: path, operation: "make the file", code: error.rawValue)
    }
    made.append(path)
    do throws(Errno) { try file.writeToDisk(bytes) } catch {
      throw .io(path: path, operation: "write the file", code: error.rawValue)
    }
  }
}

/// The result of `HostCapture.write(to:)`.
public struct CaptureWriteResult: Equatable, Sendable {
  /// The paths of the files written; always includes buddyinfo.
  public var written: [CaptureFile: String]
  /// The files left out.
  public var omitted: [CaptureOmission]
  /// The number of readings until the files agreed, 1...`HostCapture.maximumAttempts`.
  public var attempts: Int
  /// The written capture; `Capture.read` of the files returns the same.
  public var capture: Capture

  public init(
    written: [CaptureFile: String], omitted: [CaptureOmission], attempts: Int, capture: Capture
  ) {
    self.written = written
    self.omitted = omitted
    self.attempts = attempts
    self.capture = capture
  }
}

/// A file that a host capture left out, and why.
public struct CaptureOmission: Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    /// The file couldn't be read; since Linux 5.4 only root may read /proc/pagetypeinfo.
    case unreadable(CaptureError)
    /// Memory changed between the readings in every attempt; `last` is the last attempt's error.
    case unsteady(attempts: Int, last: CaptureError)
    /// The file was read but can't be modelled, or contradicts the others.
    case refused(CaptureError)
  }

  public var file: CaptureFile
  public var reason: Reason

  public init(file: CaptureFile, reason: Reason) {
    self.file = file
    self.reason = reason
  }

  /// One line.
  public var description: String {
    switch reason {
    case .unreadable(let error): "\(file.fileName) not written: \(error)"
    case .refused(let error): "\(file.fileName) not written: \(error)"
    case .unsteady(let attempts, let last):
      "\(file.fileName) not written: memory moved in each of \(attempts) attempts; the last: \(last)"
    }
  }
}

/// The three /proc files of a capture.
public enum CaptureFile: String, CaseIterable, Sendable {
  case buddyinfo
  case pagetypeinfo
  case zoneinfo

  /// The name under /proc.
  public var procName: String { rawValue }
  /// The name in a capture directory.
  public var fileName: String { rawValue + ".txt" }
}
