import Foundation
import GuestMemory
import Machine
import Records

/// `hintbench kernel check`: seeded traces executed by the kernel and by the model, which must agree to the last PFN.
public struct KernelCheck: Sendable {
  public var traces: Int
  public var operations: Int
  /// Operations between two checkpoints.
  public var every: Int
  public var seed: UInt64
  /// Traces of one boot; each begins with what those before it left of the lists.
  private static let perBoot = 10
  /// The most memory that a trace holds, in thousandths of what there is: from a third to more than all.
  private static let permille = [300, 700, 950, 1500, 1050]

  public init(traces: Int, operations: Int, every: Int, seed: UInt64) {
    self.traces = traces
    self.operations = operations
    self.every = every
    self.seed = seed
  }

  /// A trace's result.
  public struct Result: Sendable {
    public var seed: UInt64
    /// The zones' memory, and the most that the trace holds. Pages.
    public var managedPages: UInt64
    public var most: UInt64
    public var operations: Int
    public var failedAllocations: Int
    /// Pageblocks that could be isolated.
    public var isolated: Int
    public var checkpoints: Int
    /// Where model and kernel part: the operation and both values, the kernel's first; nil if they agree.
    public var difference: String? { differing.map { "operation \($0.operation), \($0.words)" } }
    var differing: KernelTrace.Difference?

    init(_ trace: ProbeReport.Trace, release: String) throws {
      seed = trace.seed
      managedPages = trace.start.zones.reduce(0) { $0 + $1.managedPages }
      most = trace.most
      operations = trace.steps.count
      failedAllocations = trace.steps.count { $0 == .allocated(nil) }
      isolated = trace.steps.count { if case .isolated(_, true) = $0 { true } else { false } }
      checkpoints = trace.checkpoints.count
      differing = try KernelTrace.difference(from: trace, KernelVersion(closestTo: release))
    }
  }

  /// Runs the traces, and hands over each one's result.
  ///
  /// - Parameter record: a new folder for what the kernel printed, a compressed file per boot; nil: none.
  /// - Throws: ``UserError``; ``Interrupted``.
  public func run(_ kernel: UMLKernel, record: String? = nil, _ observe: (Result) throws -> Void) throws {
    if let record { try FileAccess.makeFolder(record) }
    for first in stride(from: 0, to: traces, by: Self.perBoot) {
      // A small guest and a larger one by turns.
      let bytes: UInt64 = first / Self.perBoot % 2 == 0 ? 256 << 20 : 512 << 20
      let commands = (first..<min(first + Self.perBoot, traces)).map { number in
        "trace seed=\(seed + UInt64(number)) operations=\(operations) every=\(every) "
          + "permille=\(Self.permille[number % Self.permille.count])"
      }
      let boot = UMLBoot(kernel: kernel, bytes: bytes, limit: .seconds(300))
      let text = try boot.text(commands)
      let report = try ProbeReport.whole(text, of: kernel.version)
      for trace in report.traces { try observe(Result(trace, release: report.release)) }
      if let record { try Self.keep(text, "\(record)/linux-\(kernel.version)-\(seed + UInt64(first)).txt") }
    }
  }

  /// A trace that shows a difference, and what `hintbench kernel check` is to be told to see it again.
  public struct Shortest: Sendable, Equatable {
    public var seed: UInt64
    public var operations: Int
    public var every: Int
    public var difference: String

    /// The arguments.
    public var arguments: String { "--traces 1 --seed \(seed) --operations \(operations) --every \(every)" }
  }

  /// Looks for a short trace that shows a difference: other seeds, each alone in a boot of its own, cut off before the
  /// shortest that was found.
  ///
  /// - Parameter seed: of a trace that differed; the first one tried.
  /// - Throws: ``UserError``; ``Interrupted``.
  public static func shortest(_ kernel: UMLKernel, from seed: UInt64, operations: Int) throws -> Shortest? {
    try shortest(from: seed, operations: operations) { seed, operations, every in
      var found: KernelTrace.Difference?
      try KernelCheck(traces: 1, operations: operations, every: every, seed: seed).run(kernel) { found = $0.differing }
      return found
    }
  }

  /// Seeds that are tried.
  private static let attempts: UInt64 = 40

  /// The search, by any means of running a trace alone.
  static func shortest(
    from seed: UInt64, operations: Int,
    _ difference: (_ seed: UInt64, _ operations: Int, _ every: Int) throws -> KernelTrace.Difference?
  ) throws -> Shortest? {
    var best: Shortest?
    var limit = operations
    for seed in seed..<(seed &+ attempts) where limit > 0 {
      // A state after each operation, as long as they are few.
      let every = limit <= 64 ? 1 : limit
      guard let found = try difference(seed, limit, every), found.operation > 0 else { continue }
      // It may show in a list before it shows in a block; this finds where, and is what can be seen again.
      let operations = found.operation
      let closer = operations <= 64 ? try difference(seed, operations, 1) : nil
      let last = closer ?? found
      best = Shortest(
        seed: seed, operations: last.operation, every: closer == nil ? last.operation : 1,
        difference: "operation \(last.operation), \(last.words)")
      limit = last.operation - 1
    }
    return best
  }

  /// Checks what a kernel printed once: a file that `run` recorded. Returns the kernel's version and each trace's result.
  ///
  /// - Throws: ``UserError`` if the file isn't one, or is cut short.
  public static func recorded(_ path: String) throws -> (version: String, results: [Result]) {
    guard let text = CommandOutput.of(["gzip", "-dc", path], environment: ProcessInfo.processInfo.environment) else {
      throw UserError.input(
        file: path, "gzip can't read it", accepted: "expected a file that `kernel check --record` wrote")
    }
    let report = try ProbeReport(text, file: path)
    guard report.isComplete, !report.traces.isEmpty else {
      throw UserError.input(
        file: path, "it is cut short", accepted: "expected a file that `kernel check --record` wrote")
    }
    return (report.release, try report.traces.map { try Result($0, release: report.release) })
  }

  private static func keep(_ text: String, _ path: String) throws {
    try FileAccess.writeAtomically(Array(text.utf8), to: path)
    // Without name and time, so that the same text is the same file.
    var child: ChildProcess
    do { child = try ChildProcess(["gzip", "-9n", path]) } catch {
      throw UserError(.unavailable, "no gzip here; apt-get install gzip")
    }
    guard child.wait() == .exited(0) else { throw UserError(.io, "gzip can't compress \(path)") }
  }
}
