import CHost
import Glibc
import Machine

/// Counts instructions and cache misses on machines without counters: runs this program again under valgrind's
/// callgrind, which simulates every instruction and its caches between calls of ``Simulation``.
///
/// Nothing is left behind however either process ends: both communicate through unnamed files.
public struct Callgrind: Sendable {
  /// The simulated caches.
  public let caches: SimulatedCaches
  /// The version, as printed by `valgrind --version`.
  public let version: String
  private let valgrind: [String]
  private let program: String

  /// The counts of a run of the program.
  public struct Outcome: Sendable {
    /// The counts by the names given to ``Simulation/count(as:warmUp:body:)``. Counts before a failure are complete.
    public var counts: [String: CounterReading]
    /// Why the run ended early, in one line; nil if it didn't.
    public var failure: String?
  }

  /// - Parameters:
  ///   - valgrind: the valgrind command, looked up in PATH, with arguments that are always passed first.
  ///   - program: the program to run under it; by default this one.
  /// - Throws: ``CounterError/noSimulation(reason:)`` if valgrind is missing, or was missing at build time.
  public init(
    caches: SimulatedCaches, valgrind: [String] = ["valgrind"], program: String = "/proc/self/exe"
  ) throws(CounterError) {
    guard chost_simulation_is_built_in() else {
      throw .noSimulation(
        reason:
          "this program was built without valgrind's headers; fix: apt-get install valgrind, then make clean build")
    }
    let environment = Self.environment
    guard
      let version = CommandOutput.of(valgrind + ["--version"], environment: environment)?.split(separator: "\n").first
    else {
      throw .noSimulation(reason: "valgrind does not run; install it: apt-get install valgrind")
    }
    self.caches = caches
    self.version = String(version)
    self.valgrind = valgrind
    self.program = program
  }

  /// Runs the program with these arguments and this standard input, to its end.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses memory or the start.
  public func run(_ words: [String], input: [UInt8]) throws(SystemCallError) -> Outcome {
    // A copy, since valgrind 3.19 can't read swiftc's debug info, and doesn't look for it in an unnamed file.
    let copy = try MemoryFile()
    try copy.copy(program)
    let request = try MemoryFile()
    try request.write(input)
    let counts = try MemoryFile()
    let complaints = try MemoryFile()
    let options = [
      "--tool=callgrind", "--command-line-only=yes", "--quiet", "--vgdb=no", "--instr-atstart=no",
      "--collect-atstart=no", "--combine-dumps=yes", "--callgrind-out-file=\(counts.path)", "--cache-sim=yes",
      "--I1=\(caches.firstInstruction.option)", "--D1=\(caches.firstData.option)", "--LL=\(caches.last.option)",
    ]
    var child = try ChildProcess(
      valgrind + options + [copy.path] + words, environment: Self.environment, input: request.descriptor,
      error: complaints.descriptor)
    let end = child.wait()
    return Outcome(
      counts: CallgrindCounts.parse(counts.text),
      failure: end == .exited(0) ? nil : Self.failure(end, complaints.text))
  }

  /// The environment, the same for every run so that it doesn't affect counts.
  private static var environment: [String: String] {
    var environment = ["SWIFT_DETERMINISTIC_HASHING": "1", "LD_BIND_NOW": "1", "LC_ALL": "C"]
    // The libraries of Swift or valgrind, if their place was set explicitly.
    for name in ["LD_LIBRARY_PATH", "VALGRIND_LIB"] {
      if let value = getenv(name) { environment[name] = String(cString: value) }
    }
    return environment
  }

  /// The process's end, with its own or valgrind's last message.
  private static func failure(_ end: ProcessEnd, _ text: String) -> String {
    let end = "valgrind ended with \(end)"
    let lines = text.split(separator: "\n").map { String($0).withoutProcessNumber }.filter { !$0.isEmpty }
    let line = lines.last { $0.hasPrefix("hintbench: ") } ?? lines.first
    return line.map { "\(end): \($0.prefix(300))" } ?? end
  }
}

extension String {
  /// The line without valgrind's prefix `==123==` or `--123--`.
  fileprivate var withoutProcessNumber: String {
    var line = Substring(self)
    for mark in ["==", "--"] where line.hasPrefix(mark) {
      if let end = line.dropFirst(2).firstRange(of: mark) { line = line[end.upperBound...] }
    }
    return line.trimmingBlanks()
  }
}
