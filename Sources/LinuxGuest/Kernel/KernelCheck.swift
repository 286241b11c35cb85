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

  public init(traces: Int, operations: Int, every: Int, seed: UInt64) {
    self.traces = traces
    self.operations = operations
    self.every = every
    self.seed = seed
  }

  /// A trace's result.
  public struct Result: Sendable {
    public var seed: UInt64
    public var guestBytes: UInt64
    /// The most memory that the trace holds, in thousandths of the guest's.
    public var permille: Int
    public var operations: Int
    public var failedAllocations: Int
    public var checkpoints: Int
    /// Where model and kernel part: the operation and both values, the kernel's first; nil if they agree.
    public var difference: String?
  }

  /// Runs the traces, and hands over each one's result.
  ///
  /// - Throws: ``UserError``; ``Interrupted``.
  public func run(_ kernel: UMLKernel, _ observe: (Result) throws -> Void) throws {
    var done = 0
    while done < traces {
      // From nearly empty to more than there is, on a small guest and on a larger one.
      let bytes: UInt64 = done / Self.perBoot % 2 == 0 ? 256 << 20 : 512 << 20
      let count = min(Self.perBoot, traces - done)
      let plans = (0..<count).map { (seed: seed + UInt64(done + $0), permille: [300, 700, 950, 1500, 1050][$0 % 5]) }
      let report = try UMLBoot(kernel: kernel, bytes: bytes, limit: .seconds(300)).run(
        plans.map {
          "trace seed=\($0.seed) operations=\(operations) every=\(every) permille=\($0.permille)"
        })
      for (plan, trace) in zip(plans, report.traces) {
        let found = try KernelTrace.difference(from: trace)
        try observe(
          Result(
            seed: plan.seed, guestBytes: bytes, permille: plan.permille, operations: trace.steps.count,
            failedAllocations: trace.steps.count { $0 == .allocated(nil) }, checkpoints: trace.checkpoints.count,
            difference: found.map { "operation \($0.operation), \($0.words)" }))
      }
      done += count
    }
  }
}
