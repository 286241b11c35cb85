import Foundation
import GuestMemory
import Records

/// The free lists of a real guest after real work: what a walk meets.
public struct KernelLists: Sendable {
  public var kernel: String
  public var workload: String
  public var bytes: UInt64
  public var freePages: UInt64
  /// By order: the share of free memory, and how its blocks follow each other.
  public var orders: [(share: Double, shape: ListShape)]
  /// Pages on per-CPU lists, which no design sees.
  public var perCPUPages: Int

  init(kernel: String, workload: String, bytes: UInt64, _ state: KernelState) {
    self.kernel = kernel
    self.workload = workload
    self.bytes = bytes
    let highest = (state.zones.first?.blocksFree.count ?? 1) - 1
    let free = state.zones.reduce(UInt64(0)) { sum, zone in
      zone.blocksFree.enumerated().reduce(sum) { $0 + UInt64($1.element) << UInt64($1.offset) }
    }
    freePages = free
    orders = (0...highest).map { order in
      let shape = state.shape(ofOrder: order)
      return (free > 0 ? Double(shape.blocks << order) / Double(free) : 0, shape)
    }
    perCPUPages = state.zones.reduce(0) { $0 + $1.perCPU.reduce(0) { $0 + $1.count } }
  }

  // MARK: files

  private static let header =
    "kernel,workload,guest_bytes,free_pages,pcp_pages,order,free_share,blocks,up_share,down_share,forward_share,mean_run"

  /// lists.csv: a row for each workload and order. Shares are of next pointers; empty without any.
  public static func csv(_ all: [KernelLists]) -> String {
    func number(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
    let rows = all.flatMap { lists in
      lists.orders.enumerated().map { order, found in
        [
          lists.kernel, lists.workload, "\(lists.bytes)", "\(lists.freePages)", "\(lists.perCPUPages)", "\(order)",
          number(found.share), "\(found.shape.blocks)", number(found.shape.upShare), number(found.shape.downShare),
          number(found.shape.forwardShare), number(found.shape.meanRun),
        ].joined(separator: ",")
      }
    }
    return ([header] + rows).joined(separator: "\n") + "\n"
  }
}

extension QEMUKernel {
  /// Boots, does the work, waits, and reads the lists.
  ///
  /// - Parameter settling: seconds between the work and the reading.
  /// - Returns: the lists, and the run that they were read in.
  /// - Throws: ``UserError``; ``Interrupted``.
  public func lists(
    after workload: KernelWorkload, bytes: UInt64, settling: Int
  ) throws -> (lists: KernelLists, run: KernelRun) {
    var script = ProbeScript(preparing: "", commands: ["dump"])
    script.work = KernelWorkload.prelude + workload.script + "\nsleep \(settling)"
    let run = try self.run(script, bytes: bytes, disk: 6 * bytes)
    return (KernelLists(kernel: version, workload: workload.name, bytes: bytes, run.report.state), run)
  }
}
