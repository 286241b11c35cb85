import Foundation
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
    public var difference: String?

    init(_ trace: ProbeReport.Trace) throws {
      seed = trace.seed
      managedPages = trace.start.zones.reduce(0) { $0 + $1.managedPages }
      most = trace.most
      operations = trace.steps.count
      failedAllocations = trace.steps.count { $0 == .allocated(nil) }
      isolated = trace.steps.count { if case .isolated(_, true) = $0 { true } else { false } }
      checkpoints = trace.checkpoints.count
      difference = try KernelTrace.difference(from: trace).map { "operation \($0.operation), \($0.words)" }
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
      for trace in report.traces { try observe(Result(trace)) }
      if let record { try Self.keep(text, "\(record)/linux-\(kernel.version)-\(seed + UInt64(first)).txt") }
    }
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
    return (report.release, try report.traces.map(Result.init))
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
