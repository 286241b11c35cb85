import Foundation
import GuestMemory
import Records
import TestSupport
import Testing

@testable import LinuxGuest

/// What `hintbench kernel` refuses.
@Suite struct KernelScanTests {
  private func scan(
    _ strategies: [String] = ["alloc-max-order"], guests: [UInt64] = [1 << 30], longestHold: Double = 1e9
  ) throws(UserError) -> KernelScan {
    try KernelScan(
      guests: guests, strategies: strategies, order: nil, repetitions: 1, isCold: true, seed: 1,
      longestHold: longestHold)
  }

  @Test func whatTheProbeHasIsTaken() throws {
    _ = try scan(KernelScan.designs.map(\.name))
    _ = try scan(["budgeted-resume:budget=256", "step-iterator:step=1", "pfn-scan:chunk=1024"])
  }

  @Test(arguments: [
    "pluck-buffer", "", "budgeted-resume:step=1", "budgeted-resume:budget=", "budgeted-resume:budget=x",
    "budgeted-resume:budget=1:restarts=2", "walk-callback:kick=none", "alloc-max-order:",
  ])
  func whatItDoesNotHaveIsUsage(strategy: String) {
    let error = #expect(throws: UserError.self) { try scan([strategy]) }
    #expect(error?.kind == .usage && error?.problem.contains("'\(strategy)'") == true)
  }

  @Test func sizesAndHoldsOutOfRangeAreUsage() {
    for bytes: UInt64 in [0, 32 << 20, (1 << 30) + 1] {
      #expect(#expect(throws: UserError.self) { try scan(guests: [bytes]) }?.kind == .usage)
    }
    for hold in [0, -1, 1.1e9, .nan] {
      #expect(#expect(throws: UserError.self) { try scan(longestHold: hold) }?.kind == .usage)
    }
  }

  @Test func aFolderThatIsNoKernelsIsUsage() throws {
    let tree = try FakeTree(["/Kbuild": "", "/mm/page_alloc.c": ""])
    for text in ["6.2", "", tree.path] {
      let error = #expect(throws: UserError.self) { try KernelSource(text) }
      #expect(error?.kind == .usage && error?.problem.contains("'\(text)'") == true)
    }
    let whole = try FakeTree(["/Kbuild": "", "/mm/page_alloc.c": "", "/arch/um/Kconfig": ""])
    #expect(try KernelSource(whole.path) == .tree(path: URL(fileURLWithPath: whole.path).standardizedFileURL.path))
    #expect(try KernelSource("6.12") == .debian(version: "6.12"))
  }

  @Test func aKernelThatIsNotBuiltIsUnavailable() throws {
    let tree = try FakeTree(["/x": ""])
    let error = #expect(throws: UserError.self) {
      try UMLKernel(of: .debian(version: "6.1"), in: KernelFolder(tree.path))
    }
    #expect(error?.kind == .unavailable && error?.problem.contains("hintbench kernel build") == true)
  }
}

/// The capture that a kernel's run leaves: the model reads it, with the same free blocks.
@Suite struct KernelCaptureTests {
  @Test func theModelReadsIt() throws {
    var zone = KernelState.Zone()
    zone.name = "Normal"
    zone.startPFN = 1024
    zone.spannedPages = 65536
    zone.managedPages = 60000
    zone.watermarks = Watermarks(min: 500, low: 600, high: 700)
    zone.boost = 10
    zone.freePages = 3 * 1024 + 5
    zone.blocksFree = [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    zone.lists = [
      .init(order: 0, type: 0, pfns: [5001]), .init(order: 2, type: 2, pfns: [5004]),
      .init(order: 10, type: 1, pfns: [8192, 9216, 10240]),
    ]
    zone.pageblockOrder = 10
    zone.pageblocks = [Int](repeating: 1, count: 63) + [2]
    var lists = KernelState.PerCPU()
    (lists.count, lists.high, lists.batch) = (3, 300, 63)
    zone.perCPU = [lists]
    var state = KernelState()
    state.zones = [zone]
    let tree = try FakeTree(
      Dictionary(uniqueKeysWithValues: state.procFiles.map { ("/" + $0.name, $0.text) }))
    let capture = try Capture.read(
      buddyinfo: tree.path + "/buddyinfo", pagetypeinfo: tree.path + "/pagetypeinfo", zoneinfo: tree.path + "/zoneinfo")
    let read = try #require(capture.zones.first)
    #expect(capture.zones.count == 1 && capture.pageblockOrder == 10)
    #expect(read.freeBlocks.map(Int.init) == zone.blocksFree)
    #expect(read.freeBlocksByMigratetype?[1][10] == 3 && read.freeBlocksByMigratetype?[2][2] == 1)
    #expect(read.details?.managed == 60000 && read.details?.low == 610 && read.details?.startPFN == 1024)
  }
}
