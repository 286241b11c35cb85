import Foundation
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// Damaged captures are refused, or read as something that still adds up; never a crash.
@Suite struct CaptureFuzzTests {
  private static let seeds: [UInt64] = {
    let given = ProcessInfo.processInfo.environment["HINTBENCH_TEST_SEED"].flatMap { UInt64($0) }
    return given.map { [$0] } ?? [1, 2, 3, 4]
  }()

  private func damage(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.remove(at: at)
      case 3: bytes.insert(UInt8.random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &random), at: at)
      case 4: bytes.removeSubrange(at...)
      case 5:
        let other = Int.random(in: 0..<bytes.count, using: &random)
        bytes.insert(contentsOf: bytes[min(at, other)..<max(at, other)].prefix(200), at: at)
      case 6, 7:
        var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        let line = Int.random(in: 0..<lines.count, using: &random)
        if Bool.random(using: &random) {
          lines.remove(at: line)
        } else {
          lines.swapAt(line, Int.random(in: 0..<lines.count, using: &random))
        }
        bytes = Array(lines.joined(separator: [10]))
      default: break
      }
    }
    return bytes
  }

  private func addsUp(_ capture: Capture) -> Bool {
    guard (1...11).contains(capture.orders), !capture.zones.isEmpty, capture.freeBytes <= 1 << 50,
      Set(capture.zones.map(\.id)).count == capture.zones.count, capture.pageblockOrder ?? 0 < capture.orders
    else { return false }
    return capture.zones.allSatisfy { zone in
      guard zone.freeBlocks.count == capture.orders else { return false }
      if let types = zone.freeBlocksByMigratetype {
        guard types.count == CapturedMigratetype.allCases.count, types.allSatisfy({ $0.count == capture.orders }) else {
          return false
        }
        for order in 0..<capture.orders where types.reduce(0, { $0 + $1[order] }) != zone.freeBlocks[order] {
          return false
        }
      }
      if let blocks = zone.pageblocksByMigratetype, blocks.count != CapturedMigratetype.allCases.count { return false }
      if let types = zone.typesPresent {
        guard types.count == capture.orders,
          zip(types, zone.freeBlocks).allSatisfy({ $0.count <= $1 })
        else { return false }
      }
      guard let details = zone.details else { return true }
      return details.min <= details.low && details.low <= details.high && zone.freePages <= details.managed
        && details.managed <= details.present && details.present <= details.spanned && zone.orderThatDoesNotFit == nil
    }
  }

  @Test(arguments: seeds) func damagedCapturesNeverCrash(seed: UInt64) {
    print("CaptureFuzzTests seed \(seed) (HINTBENCH_TEST_SEED=\(seed) runs it alone)")
    var random = SeededGenerator(seed: seed)
    let captures: [(String, String?, String?)] = [
      (Fixtures.debianBuddyinfo, nil, nil),
      (Fixtures.vmBuddyinfo, Fixtures.vmPagetypeinfo, nil),
      (Fixtures.vmBuddyinfo, Fixtures.vmPagetypeinfo, Fixtures.vmZoneinfo),
      (Fixtures.sparseBuddyinfo, Fixtures.sparsePagetypeinfo, nil),
      (Fixtures.oldBuddyinfo, nil, Fixtures.oldZoneinfo),
    ]
    var accepted = 0
    var refused = 0
    for round in 0..<1000 {
      let (buddyinfo, types, zones) = captures[round % captures.count]
      let victims = [true, types != nil, zones != nil].enumerated().filter(\.element).map(\.offset)
      let victim = victims.randomElement(using: &random)!
      var texts = [buddyinfo, types, zones].map { $0.map { Array($0.utf8) } }
      texts[victim] = damage([buddyinfo, types, zones][victim]!, &random)
      do {
        let capture = try Capture(
          buddyinfo: CaptureText(name: "buddy", bytes: texts[0]!),
          pagetypeinfo: texts[1].map { CaptureText(name: "types", bytes: $0) },
          zoneinfo: texts[2].map { CaptureText(name: "zones", bytes: $0) })
        accepted += 1
        #expect(addsUp(capture), "seed \(seed), round \(round)")
      } catch {
        refused += 1
        expectClear(error, "seed \(seed), round \(round)")
      }
    }
    #expect(accepted > 0 && refused > accepted / 4, "seed \(seed): \(accepted) accepted, \(refused) refused")
  }

  /// A form that is one text, with the reader for it.
  private enum Form: CaseIterable {
    case types, log, formerLog, journal, pasted, pastedOld, tailed

    var text: String {
      switch self {
      case .types: Fixtures.vmPagetypeinfo
      case .log: ShowMemTests.today
      case .formerLog: ShowMemTests.before
      case .journal:
        (ShowMemTests.today + ShowMemTests.before).split(separator: "\n").map { "Dec  1 host kernel: [ 1.2] \($0)\n" }
          .joined()
      case .pasted: "$ cat /proc/*\n" + Fixtures.vmBuddyinfo + "$ x\n" + Fixtures.vmPagetypeinfo + Fixtures.vmZoneinfo
      case .pastedOld: Fixtures.oldZoneinfo + Fixtures.oldBuddyinfo + Fixtures.oldBuddyinfo
      case .tailed:
        "==> /proc/buddyinfo <==\n" + Fixtures.sparseBuddyinfo + "\n==> /proc/pagetypeinfo <==\n"
          + Fixtures.sparsePagetypeinfo
      }
    }

    func read(_ text: CaptureText) throws(CaptureError) -> CaptureReading {
      switch self {
      case .types: return try CaptureReading(.init(pagetypeinfo: text))
      case .log, .formerLog, .journal: return try CaptureReading(.init(showMem: text))
      case .pasted, .pastedOld, .tailed:
        let pieces = CapturePieces(text).texts
        return try CaptureReading(
          .init(
            buddyinfo: pieces[.buddyinfo]?.last, pagetypeinfo: pieces[.pagetypeinfo]?.last,
            zoneinfo: pieces[.zoneinfo]?.last), goesOn: true)
      }
    }
  }

  @Test(arguments: seeds) func damagedTextsOfEveryFormNeverCrash(seed: UInt64) throws {
    print("CaptureFuzzTests seed \(seed) (HINTBENCH_TEST_SEED=\(seed) runs it alone)")
    var random = SeededGenerator(seed: seed)
    for form in Form.allCases {
      _ = try form.read(CaptureText(name: "whole", form.text))
      var accepted = 0
      var refused = 0
      for round in 0..<300 {
        do throws(CaptureError) {
          let reading = try form.read(CaptureText(name: "text", bytes: damage(form.text, &random)))
          accepted += 1
          #expect(addsUp(reading.capture), "\(form), seed \(seed), round \(round)")
          #expect(!reading.notes.contains { $0.contains { $0.isNewline } }, "\(form), seed \(seed), round \(round)")
        } catch {
          refused += 1
          expectClear(error, "\(form), seed \(seed), round \(round)")
        }
      }
      #expect(accepted > 0 && refused > 0, "\(form), seed \(seed): \(accepted) accepted, \(refused) refused")
    }
  }

  /// One line with its place, and not much of the text.
  private func expectClear(_ error: CaptureError, _ what: String) {
    #expect(!error.description.contains { $0.isNewline }, "\(what): \(error)")
    #expect(error.line ?? 0 >= 1 && !error.isUnreadable, "\(what): \(error)")
    // Only what is said of the whole text has no column.
    #expect(error.column != nil || error.line == 1, "\(what): \(error)")
    for part in error.what.matches(of: #/'([^']*)'/#) { #expect(part.output.1.count <= 160, "\(what): \(error)") }
  }

  /// With a pagetypeinfo at hand, any change to a count of a buddyinfo is found.
  @Test func everyChangedDigitIsFound() {
    let digits = Fixtures.vmBuddyinfo.utf8.enumerated().filter { $0.element >= 48 && $0.element <= 57 }
    for (at, digit) in digits {
      var bytes = Array(Fixtures.vmBuddyinfo.utf8)
      bytes[at] = digit == 57 ? 56 : digit + 1
      #expect(throws: CaptureError.self) {
        try Capture(
          buddyinfo: CaptureText(name: "buddy", bytes: bytes),
          pagetypeinfo: CaptureText(name: "types", Fixtures.vmPagetypeinfo))
      }
    }
  }
}
