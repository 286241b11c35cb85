import Bench
import Foundation
import GuestMemory
import Records
import TestSupport
import Testing

@testable import LinuxGuest

/// The probe in whole kernels: what it finds is what /proc shows, its bounds hold, and it leaves nothing behind.
@Suite(.serialized, .enabled(if: GuestFiles.areWanted, "\(GuestFiles.whyNot)")) struct RealKernelTests {
  /// Debian's 6.1, with the probe built against its headers; `make test-guest` has fetched them.
  private static func kernel(nodes: Int, cpus: Int, _ accelerator: Accelerator) throws -> QEMUKernel {
    var kernel = try QEMUKernel(of: .debian(version: "6.1"), in: KernelFolder(GuestFiles.kernels))
    kernel.nodes = nodes
    kernel.cpusPerNode = cpus / nodes
    kernel.accelerator = accelerator
    kernel.parameters = "init_on_alloc=0"
    return kernel
  }

  private final class Rows: RunObserver {
    var runs: [RunRecord] = []
    func finished(_ repetition: RepetitionResult) throws { runs.append(repetition.run) }
    func progress(done: Int, total: Int, label: String) {}
  }

  private static func scan(
    _ kernel: QEMUKernel, repetitions: Int
  ) throws -> (runs: [RunRecord], agreement: BuddyinfoAgreement) {
    let scan = try KernelScan(
      guests: [1 << 30], strategies: KernelScan.designs.map(\.name), order: nil, repetitions: repetitions,
      isCold: false, seed: 1, longestHold: 1e9)
    let folder = try FakeTree(["/x": ""])
    let rows = Rows()
    let identity = RunIdentity(runID: "test", host: "here", commit: nil, branch: nil)
    let (_, agreement) = try scan.run(kernel, identity, folder.path, rows)
    // The model takes its lists, block by block.
    let capture = try Capture.read(lists: folder.path + "/capture-1G/lists")
    #expect(capture.freePages > 1 << 16 && capture.zones.count >= 2)
    return (rows.runs, agreement)
  }

  @Test func everyDesignFindsWhatBuddyinfoShows() throws {
    let (runs, agreement) = try Self.scan(Self.kernel(nodes: 2, cpus: 2, .emulation), repetitions: 2)
    print(agreement.text)
    // In one of two boots the kernel may have allocated something between two looks.
    #expect(agreement.moved < 2 && agreement.sessions == 12 * (2 - agreement.moved), "\(agreement.text)")
    #expect(agreement.equal == agreement.sessions && agreement.difference == nil, "\(agreement.text)")
    #expect(runs.count == 2 * KernelScan.designs.count)
    for run in runs {
      #expect(run.guest.source == "emulation" && run.guest.nodes == 2 && run.guest.lockKind == "queued")
      #expect(run.guest.pageInit == "none")
      // Times of an emulator mean nothing.
      #expect(run.speed.scanNs == nil && run.lock.holdNsMax == nil && run.counters.instructions == nil)
      let isAllocator = run.identity.strategy.hasPrefix("allocator")
      #expect(isAllocator || (run.found.blocksReported ?? 0) > 100, "\(run.identity.strategy)")
    }
  }

  @Test func instructionsAreTheSameInEveryBoot() throws {
    let (runs, _) = try Self.scan(Self.kernel(nodes: 1, cpus: 1, .icount), repetitions: 2)
    for cell in Dictionary(grouping: runs, by: \.identity.strategy).values {
      let counted = cell.map { [$0.lock.holdInstructionsTotal, $0.lock.holdInstructionsMax, $0.found.blocksReported] }
      #expect(cell.count == 2 && counted[0] == counted[1], "\(cell[0].identity.strategy): \(counted)")
      #expect(cell.allSatisfy { ($0.counters.instructions ?? 0) > 1000 })
    }
  }

  /// `--host`, where the host is a guest.
  @Test func theHostsOwnKernelIsMeasuredAndLeftAsItWas() throws {
    var kernel = try Self.kernel(nodes: 1, cpus: 2, .emulation)
    kernel.parameters = ""
    var guest = LinuxGuest(
      kernel: kernel.image, busybox: kernel.busybox, programs: ["hintbench": GuestFiles.program], nodes: 1,
      cpusPerNode: 2, memoryPerNode: 1 << 30)
    guest.files = ["hintprobe.ko": kernel.module]
    let run = "hintbench kernel run --host --module /guest/hintprobe.ko --cache warm --repetitions 1"
    let probe = "/sys/kernel/debug/hintprobe"
    let result = try guest.run(
      [
        "\(run) --out /tmp/refused",
        "\(run) --yes --out /tmp/run",
        "\(run) --yes --longest-hold 1us --strategy record-unused-pages --order 0 --out /tmp/short",
        "cat /proc/modules",
        "insmod /guest/hintprobe.ko",
        "echo 'scan design=walk-callback max-hold-us=1000001' >\(probe)/commands",
        "echo 'scan design=walk-callback order=11' >\(probe)/commands",
        "echo 'scan design=unheard-of' >\(probe)/commands",
        "echo 'scan design=walk-callback max_hold_us=5' >\(probe)/commands",
        "cat \(probe)/result",
        "rmmod hintprobe && cat /proc/modules",
      ], returning: ["/tmp/run"], within: .seconds(240))
    let results = result.results
    func error(_ index: Int) -> String { String(decoding: results[index].standardError, as: UTF8.self) }
    #expect(results[0].status == 64 && error(0).contains("--yes"), "\(results[0])")
    #expect(results[1].status == 0 && results[1].text.contains("/proc/buddyinfo"), "\(results[1])")
    #expect(results[2].status == 70 && error(2).contains("longer than it may be"), "\(results[2])")
    #expect(results[3].text.isEmpty, "\(results[3])")
    #expect(results[4].status == 0)
    for refused in 5...8 { #expect(error(refused).contains("Invalid argument"), "\(results[refused])") }
    #expect(results[9].text.contains("error -22"), "\(results[9])")
    #expect(results[10].status == 0 && results[10].text.isEmpty, "\(results[10])")
    let rows = result.files["/tmp/run/runs.csv"].map { String(decoding: $0, as: UTF8.self) } ?? ""
    #expect(rows.contains(",host,") && rows.contains("walk-callback"))
    // What takes the machine's memory is only run if it is named.
    #expect(!rows.contains("alloc-max-order"))
  }
}
