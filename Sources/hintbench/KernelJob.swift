import ArgumentParser
import Foundation
import LinuxGuest
import Machine
import Records
import Reporting

/// Runs a scan in a real kernel, from folder to table.
enum KernelJob {
  static func run(_ scan: KernelScan, _ kernel: any RealKernel, out: String?) throws {
    var (meta, branch) = try RunJob.newMeta(config: scan, seed: scan.seed)
    meta.unavailable = [
      unavailable(kernel.source),
      .init(
        what: "holds of alloc-max-order, page-reporting and allocator",
        why: "the kernel's own code takes zone->lock there, and nothing in it was changed to time that"),
    ]
    let folder = try RunFolder.create(at: out ?? "\(RunJob.runsFolder)/\(meta.runID)", meta: meta)
    RunJob.say("writing to \(folder.path)")
    let total = scan.guests.count * scan.strategies.count * scan.repetitions
    let recorder = RunRecorder(folder, meta: meta, total: total, interrupted: { Interrupt.isRequested })
    let identity = RunJob.identity(meta, branch: branch)
    let (cells, agreement): ([CellRecord], BuddyinfoAgreement)
    do {
      (cells, agreement) = try scan.run(kernel, identity, folder.path, recorder)
    } catch is Interrupted {
      let measured = try RunReader(path: folder.path).runs.count
      RunJob.say("interrupted: \(measured) of \(total) repetitions measured, kept in \(folder.path)")
      throw ExitCode(130)
    } catch {
      // Of a kernel that never got as far as a session nothing is left.
      if try RunReader(path: folder.path).runs.isEmpty { try FileManager.default.removeItem(atPath: folder.path) }
      throw error
    }
    meta.finished = Date()
    try folder.finish(cells: cells, meta: meta)
    let contents = try RunReader(path: folder.path)
    print(ResultTable(cells: cells, runs: contents.runs, meta: meta).text)
    print(agreement.text)
    print("Files: \(folder.path)")
  }

  private static func unavailable(_ source: KernelRunSource) -> RunMeta.Unavailable {
    switch source {
    case .native:
      .init(what: "waits, bystanders, counters", why: "User Mode Linux has one CPU and spinlocks that are empty")
    case .icount:
      .init(what: "times", why: "under emulation they mean nothing; holds and sessions are in instructions")
    case .emulation:
      .init(what: "times, instructions", why: "under emulation times mean nothing, and several CPUs share one count")
    case .kvm, .host:
      .init(what: "waits, bystanders, counters", why: "the probe measures its own session alone")
    }
  }
}

extension Interrupted {
  /// Exits with 130 if Ctrl-C ended `body`.
  static func exiting(_ body: () throws -> Void) throws {
    do { try body() } catch is Interrupted {
      RunJob.say("interrupted")
      throw ExitCode(130)
    }
  }
}
