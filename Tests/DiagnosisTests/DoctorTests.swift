import Bench
import Experiments
import Foundation
import Instruments
import Machine
import Records
import TestSupport
import Testing

@testable import Diagnosis

/// Rows of the doctor that need the model, on machines that aren't there.
@Suite struct DoctorTests {
  private static func doctor(
    cpus: Int = 64, availableBytes: UInt64 = 1 << 45, runsFolder: String = NSTemporaryDirectory(),
    refusal: String? = nil
  ) -> Doctor {
    Doctor(
      machine: MachineDoctor(
        library: FakePAPI().library, numa: FourNodes(), programs: ProgramPath(""),
        hugePages: { HugePageTrial(bytes: 1, hugeBytes: 1) }, pin: { _ in nil }, allowedCPUs: { Array(0..<cpus) }),
      resources: Matrix.HostResources(cpus: cpus, availableBytes: availableBytes),
      experiments: Experiments.list, runsFolder: runsFolder, refusal: refusal)
  }

  private static func finding(_ report: DoctorReport, _ what: String) throws -> Finding {
    try #require(report.findings.first { $0.what == what })
  }

  /// The runner binds its thread to a CPU: it gets one of its own.
  private static func examine(_ doctor: Doctor, seconds: Double = 0) throws -> DoctorReport {
    try onOwnThread { try doctor.examine(seconds: seconds) }
  }

  @Test func aLargeMachineRunsEverything() throws {
    let report = try Self.examine(Self.doctor())
    #expect(report.works && report.whyNot == nil)
    #expect(try Self.finding(report, "default run").state == .ok)
    #expect(try Self.finding(report, "threads").state == .ok)
    #expect(try Self.finding(report, "memory").state == .ok)
    #expect(try Self.finding(report, "NUMA nodes").found.hasPrefix("4: "))
    #expect(report.nodes.count == 4 && report.noise == nil && report.noiseMissing?.contains("--seconds 0") == true)
    #expect(Set(report.findings.map(\.what)).count == report.findings.count)
    let data = try JSONEncoder.standard.encode(report)
    #expect(try JSONDecoder.standard.decode(DoctorReport.self, from: data) == report)
  }

  @Test func aKernelWithoutALogOfWrittenPagesIsSaidToBeOne() {
    var doctor = Self.doctor()
    doctor.dirtyLog = { SystemCallError(call: "userfaultfd", code: 22) }
    let row = doctor.migration()
    #expect(row.state == .missing && row.why?.contains("userfaultfd: Invalid argument") == true)
    doctor.dirtyLog = { nil }
    #expect(doctor.migration().state == .ok)
  }

  @Test func oneCPUIsTooFewForThreads() throws {
    for (cpus, crowded) in [
      (1, ["interference", "steady-state", "contiguous", "delivery", "ballooning"]), (2, ["contiguous", "delivery"]),
      (64, []),
    ] {
      let row = try Self.doctor(cpus: cpus).threads()
      #expect(row.state == (crowded.isEmpty ? .ok : .limited))
      #expect(row.found.hasPrefix("\(cpus) CPU"))
      for name in crowded { #expect(row.found.contains(name), "\(name) in \(row.found)") }
      #expect(!row.found.contains("scan"))
    }
  }

  @Test func aMachineTooSmallSaysWhatItLacks() throws {
    let report = try Self.examine(Self.doctor(availableBytes: 1 << 20))
    #expect(!report.works)
    let run = try Self.finding(report, "default run")
    #expect(run.state == .missing && run.why?.contains("of host memory") == true)
    #expect(try Self.finding(report, "memory").state == .missing)
    #expect(report.guests.allSatisfy { $0.automatic == nil && $0.exactWith == nil })
  }

  @Test func aCoarserModelIsALimit() throws {
    // A quarter of it holds 64 GiB exactly, and 1 TiB not.
    let doctor = Self.doctor(availableBytes: 5 << 30)
    let report = try Self.examine(doctor)
    let row = try Self.finding(report, "memory")
    #expect(report.works && row.state == .limited && row.why?.contains("coarser granule") == true)
    #expect(row.found.contains("up to 64G with every strategy"))
  }

  /// The table says what a run would do.
  @Test(arguments: [1 << 28, 5 << 30, 24 << 30, 1 << 45] as [UInt64]) func guestsAreModelledAsSaid(available: UInt64)
    throws
  {
    let host = Matrix.HostResources(cpus: 2, availableBytes: available)
    let fits = try GuestFit.all(host, Experiments.list)
    #expect(fits.count == 2 * GuestFit.sizes.count)
    for fit in fits {
      #expect(fit.exact4k <= fit.exact2m || fit.wholeBlocks, "\(fit)")
      func matrix(_ granule: String, _ vmemmap: String) throws -> Matrix {
        var group = RunConfig.Group()
        group.guests = [fit.guest]
        group.states = ["fresh", "aged"]
        group.strategies = fit.wholeBlocks ? ["none", "alloc-max-order"] : ["none", "page-reporting"]
        group.granule = granule
        group.vmemmap = vmemmap
        var config = RunConfig()
        config.groups = [group]
        config.counters = "off"
        return try Matrix(config, host: host)
      }
      if let automatic = fit.automatic {
        let made = try matrix("auto", "auto")
        let aged = try #require(made.cells.first { $0.guest.state.name == "aged" })
        #expect(aged.guest.granuleOrder == automatic.granuleOrder)
        #expect((aged.guest.vmemmapPage == .small ? "4k" : "2m") == automatic.vmemmap)
        #expect(made.footprints[aged.guest]?.bytes == automatic.bytes)
      } else {
        #expect(throws: UserError.self) { try matrix("auto", "auto") }
      }
      // Exact by asking for it, or not at all.
      let isExact = fit.automatic?.granuleOrder == 0
      #expect(!(isExact && fit.exactWith != nil))
      if let words = fit.exactWith?.split(separator: " ").map(String.init) {
        #expect(words[0] == "--granule" && words[2] == "--vmemmap")
        #expect(try matrix(words[1], words[3]).cells.allSatisfy { $0.guest.granuleOrder == 0 })
      } else if !isExact {
        for vmemmap in ["2m", "4k"] { #expect(throws: UserError.self) { try matrix("0", vmemmap) } }
      }
    }
  }

  @Test func aRunThatIsRefusedDoesNotWork() throws {
    let report = try Self.examine(Self.doctor(refusal: "no"), seconds: 1)
    #expect(!report.works && report.whyNot?.contains("no") == true)
    #expect(report.noise == nil && report.noiseMissing == "no")
  }

  @Test func aFolderThatCannotBeWrittenIsMissing() throws {
    let report = try Self.examine(Self.doctor(runsFolder: "/dev/null/runs"))
    let run = try Self.finding(report, "default run")
    #expect(!report.works && run.why?.contains("/dev/null is not writable") == true)
    #expect(run.mend == "hintbench run --out /tmp/hintbench-run")
  }

  @Test(arguments: [-1, 0.5, 3601, .nan, .infinity] as [Double]) func secondsOutOfRangeAreUsage(_ seconds: Double) {
    #expect(throws: UserError.self) { try Self.examine(Self.doctor(), seconds: seconds) }
    do { _ = try Self.examine(Self.doctor(), seconds: seconds) } catch {
      #expect((error as? UserError)?.exitStatus == 64)
    }
  }

  /// The real runner on this machine: what it finds is the machine's, that there are figures isn't.
  @Test func theSameWorkIsComparedWithItself() throws {
    var told = 0.0
    let report = try onOwnThread {
      try Doctor(resources: .current, experiments: Experiments.list, runsFolder: NSTemporaryDirectory()).examine(
        seconds: 1.5
      ) { told = $0 }
    }
    let noise = try #require(report.noise, "\(report.noiseMissing ?? "")")
    #expect(told > 0 && noise.seconds == 1.5)
    #expect(noise.cells.count == 2)
    #expect(noise.cells[0].repetitions == noise.cells[1].repetitions, "whole rounds")
    for cell in noise.cells {
      #expect(cell.repetitions > 0)
      let names = cell.metrics.map(\.name)
      #expect(names.contains("guest_cpu_ns") && names.contains("lock_hold_ns_p99"))
      #expect(names.last == "lock_hold_ns_max_repeatable")
      for metric in cell.metrics {
        #expect(metric.median > 0)
        for (count, effect) in zip(NoiseReport.repetitions, metric.resolvable) {
          #expect((effect != nil) == (cell.repetitions >= count), "\(cell.repetitions): \(metric)")
        }
      }
    }
  }
}
