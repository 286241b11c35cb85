import Foundation
import Glibc

/// The real program, run as a user runs it: words in, files, text and an exit status out.
enum Tool {
  /// What a call left behind.
  struct Result: CustomStringConvertible {
    var arguments: [String]
    /// The exit status, or the signal's number.
    var status: Int32
    var wasKilled: Bool
    var out: String
    var err: String

    /// Lines on standard error, without the warning every debug build gives and the progress of a run that takes long.
    var complaints: [String] {
      err.split(separator: "\n").map(String.init).filter {
        !$0.hasSuffix("debug build: timings are meaningless") && !$0.starts(with: #/hintbench: \d+/\d+/#)
      }
    }
    var outLines: [String] { out.split(separator: "\n").map(String.init) }
    var description: String { "hintbench \(arguments.joined(separator: " ")) -> \(status)\n\(out)\(err)" }
  }

  /// Whether a sanitizer is built into it; set by `make sanitize`.
  static let isSanitized = ProcessInfo.processInfo.environment["HINTBENCH_SANITIZER"] != nil

  /// The executable that was built with these tests: it lies beside them.
  static let path: String = {
    let running = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let places = [running, CommandLine.arguments.first ?? "", Bundle.main.executablePath ?? ""]
    for place in places {
      let candidate = URL(fileURLWithPath: place).deletingLastPathComponent().appendingPathComponent("hintbench").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    fatalError("no hintbench beside \(places)")
  }()

  /// Runs `hintbench` with these words in this folder and waits for its end.
  ///
  /// - Parameter shell: a line for sh(1) that ends in `"$@"`, in which the call stands; nil: called directly.
  static func run(
    _ arguments: [String], in folder: String, allowDebug: Bool = true, shell: String? = nil
  ) throws -> Result {
    let call = try start(arguments, in: folder, allowDebug: allowDebug, shell: shell)
    return try call.end()
  }

  /// A line of words, split at blanks.
  static func run(_ line: String, in folder: String) throws -> Result {
    try run(line.split(separator: " ").map(String.init), in: folder)
  }

  /// A call that is going on.
  final class Call {
    let arguments: [String]
    let process: Process
    private let files: String
    private let ended = DispatchSemaphore(value: 0)
    var isRunning: Bool { process.isRunning }

    /// SIGKILL, unless it has ended: its number may then be another's.
    func kill() {
      if process.isRunning, process.processIdentifier > 0 { Glibc.kill(process.processIdentifier, SIGKILL) }
    }

    /// SIGINT, as Ctrl-C sends it.
    func interrupt() {
      if process.isRunning, process.processIdentifier > 0 { Glibc.kill(process.processIdentifier, SIGINT) }
    }

    /// `output`: what the process writes into, which is closed here when the process has it. A Process is never let go
    /// of, and with a thousand open files Foundation reads beyond the list of them.
    fileprivate init(_ arguments: [String], _ process: Process, _ files: String, _ output: [FileHandle]) throws {
      self.arguments = arguments
      self.process = process
      self.files = files
      // Not waitUntilExit(), which turns the run loop of a thread that isn't ours.
      process.terminationHandler = { [ended] _ in ended.signal() }
      defer { for file in output { try? file.close() } }
      try process.run()
    }

    func end() throws -> Result {
      ended.wait()
      defer { try? FileManager.default.removeItem(atPath: files) }
      return Result(
        arguments: arguments, status: process.terminationStatus,
        wasKilled: process.terminationReason == .uncaughtSignal,
        out: try String(contentsOfFile: files + "/out", encoding: .utf8),
        err: try String(contentsOfFile: files + "/err", encoding: .utf8))
    }
  }

  static func start(
    _ arguments: [String], in folder: String, allowDebug: Bool = true, shell: String? = nil,
    standardError: FileHandle? = nil
  ) throws -> Call {
    let files = try makeFolder()
    for name in ["out", "err"] { try Data().write(to: URL(fileURLWithPath: files + "/" + name)) }
    let process = Process()
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", shell, "sh", path] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
    }
    var environment = ProcessInfo.processInfo.environment
    environment["HINTBENCH_ALLOW_DEBUG"] = allowDebug ? "1" : nil
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    let output = try ["/out", "/err"].map { try FileHandle(forWritingTo: URL(fileURLWithPath: files + $0)) }
    process.standardOutput = output[0]
    process.standardError = standardError ?? output[1]
    return try Call(arguments, process, files, output)
  }

  /// An empty folder for the test, removed afterwards.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  private static func makeFolder() throws -> String {
    let folder = NSTemporaryDirectory() + "hintbench-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }
}

/// What lies in a folder.
enum Folder {
  /// Every file and folder below it, by path.
  static func names(_ path: String) -> [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The content of every file below it.
  static func contents(_ path: String) -> [String: Data] {
    Dictionary(
      uniqueKeysWithValues: names(path).map { ($0, FileManager.default.contents(atPath: path + "/" + $0) ?? Data()) })
  }

  static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }
}
