import Foundation
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
