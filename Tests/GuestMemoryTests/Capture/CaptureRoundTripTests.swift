import Foundation
import Testing

@testable import GuestMemory

/// What a guest has free, written in each form that kernels print it in and read again, is what it has.
@Suite struct CaptureRoundTripTests {
  /// A machine of some zones, with blocks of random orders and types, and room for them.
  private func machine(_ random: inout SeededGenerator) -> (capture: Capture, pageblockOrder: Int) {
    let orders = Int.random(in: 1...11, using: &random)
    var next: UInt64 = 0
    var zones: [CapturedZone] = []
    for node in 0..<Int.random(in: 1...2, using: &random) {
      for kind in CapturedZoneKind.allCases where Bool.random(using: &random) && kind != .device {
        var types = (0..<CapturedMigratetype.allCases.count).map { _ in [UInt64](repeating: 0, count: orders) }
        for type in [CapturedMigratetype.unmovable, .movable, .reclaimable, .highAtomic, .cma] {
          for order in 0..<orders where Int.random(in: 0..<3, using: &random) == 0 {
            types[type.rawValue][order] = UInt64.random(in: 0...9, using: &random)
          }
        }
        if orders == 11 { types[CapturedMigratetype.isolate.rawValue][10] = UInt64.random(in: 0...1, using: &random) }
        let counts = (0..<orders).map { order in types.reduce(0) { $0 + $1[order] } }
        var zone = CapturedZone(nodeID: node * 3, kind: kind, freeBlocks: counts, freeBlocksByMigratetype: types)
        let room = zone.freePages * 2 + 7 << UInt64(min(9, orders - 1)) + UInt64.random(in: 1...5000, using: &random)
        zone.details = ZoneDetails(
          startPFN: next, spanned: room, present: room, managed: room - UInt64.random(in: 0...1, using: &random),
          min: 3,
          low: 4, high: 9)
        next = (next + room + 1024) / 1024 * 1024
        zones.append(zone)
      }
    }
    return (Capture(zones: zones, orders: orders), min(9, orders - 1))
  }

  private func guest(_ capture: Capture) throws -> Guest {
    var geometry = try GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    return guest
  }

  private func text(_ name: String, _ text: String) -> CaptureText { CaptureText(name: name, text) }

  @Test func everyFormOfAThousandGuestsIsReadAsItWasWritten() throws {
    let given = ProcessInfo.processInfo.environment["HINTBENCH_TEST_SEED"].flatMap { UInt64($0) }
    print("CaptureRoundTripTests seeds 1 to 1000 (HINTBENCH_TEST_SEED=N runs one)")
    var guests = 0
    for seed in given.map({ $0...$0 }) ?? 1...1000 {
      var random = SeededGenerator(seed: seed)
      let (made, pageblockOrder) = machine(&random)
      guard made.freePages > 0 else { continue }
      guests += 1
      let own = try guest(made)
      let forms = CaptureForms(own)
      let types = text("types", forms.pagetypeinfo(pageblockOrder: pageblockOrder, former: seed % 3 == 0))
      let zones = text("zones", forms.zoneinfo(former: seed % 5 == 0))
      let buddy = text("buddy", forms.buddyinfo)

      // All files, the types alone, and one file of all.
      let whole = try Capture(buddyinfo: buddy, pagetypeinfo: types, zoneinfo: zones)
      expect(whole, forms, "seed \(seed): all files", hasTypes: true, hasZones: true)
      expect(
        try Capture(buddyinfo: nil, pagetypeinfo: types), forms, "seed \(seed): pagetypeinfo", hasTypes: true,
        hasZones: false)
      expect(
        try Capture(buddyinfo: buddy, zoneinfo: zones), forms, "seed \(seed): buddyinfo", hasTypes: false,
        hasZones: true)
      let between = ["", "==> x <==\n", "$ cat\n"][Int(seed % 3)]
      let order = [buddy, types, zones].shuffled(using: &random)
      let joined = order.map { between + String(decoding: $0.bytes, as: UTF8.self) }.joined()
      let pieces = CapturePieces(text("all", joined)).texts
      #expect(pieces.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
      let again = try Capture(
        buddyinfo: pieces[.buddyinfo]?.last, pagetypeinfo: pieces[.pagetypeinfo]?.last,
        zoneinfo: pieces[.zoneinfo]?.last)
      #expect(again == whole, "seed \(seed): one file")

      // The log, with and without letters and watermarks.
      let letters = seed % 2 == 0
      let marks = seed % 4 < 2
      let hasNode = forms.zones.contains { $0.id.nodeID != 0 } || seed % 7 != 0
      let log = try CaptureReading(
        .init(
          showMem: text(
            "log", forms.showMem(letters: letters, marks: marks, node: hasNode, prefix: ["", "[ 1.5] "][Int(seed % 2)]))
        )
      ).capture
      expect(log, forms, "seed \(seed): log", hasTypes: false, hasZones: false)
      for (read, zone) in zip(log.zones, forms.zones) {
        #expect((read.details != nil) == marks, "seed \(seed)")
        if let details = read.details {
          #expect(details.managed == zone.extent.managed && details.high == zone.extent.marks.high, "seed \(seed)")
        }
        for order in 0..<forms.orders {
          let present = Set(CapturedMigratetype.allCases.filter { zone.blocks[$0.rawValue][order] > 0 })
          #expect(read.typesPresent?[order] ?? present == present, "seed \(seed)")
        }
      }

      // The guests of what was read.
      if seed % 4 == 0 {
        let second = CaptureForms(try guest(whole))
        #expect(second.buddyinfo == forms.buddyinfo, "seed \(seed)")
        #expect(second.zones.map(\.blocks) == forms.zones.map(\.blocks), "seed \(seed)")
        // Without watermarks a zone with nothing free isn't there.
        let third = CaptureForms(try guest(log)).free
        #expect(third.buddyinfo == forms.free.buddyinfo, "seed \(seed)")
        if letters {
          #expect(
            third.showMem(letters: true, marks: false) == forms.free.showMem(letters: true, marks: false),
            "seed \(seed)")
        }
      }
      withExtendedLifetime(own) {}
    }
    #expect(given != nil || guests > 800)
  }

  private func expect(
    _ read: Capture, _ forms: CaptureForms, _ what: String, hasTypes: Bool, hasZones: Bool
  ) {
    #expect(read.orders == forms.orders && read.zones.map(\.id) == forms.zones.map(\.id), "\(what)")
    for (one, zone) in zip(read.zones, forms.zones) {
      #expect(one.freeBlocks == (0..<forms.orders).map(zone.count), "\(what)")
      if hasTypes {
        #expect(one.freeBlocksByMigratetype == zone.blocks, "\(what)")
      } else {
        #expect(one.freeBlocksByMigratetype == nil, "\(what)")
      }
      if hasZones {
        #expect(one.details?.startPFN == zone.extent.start && one.details?.spanned == zone.extent.spanned, "\(what)")
        #expect(one.details?.high == zone.extent.marks.high, "\(what)")
      }
    }
  }
}
