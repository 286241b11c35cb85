@testable import GuestMemory

/// A guest drawn from a seed: geometry, state, list order, lock.
struct RandomGuest {
  let guest: Guest
  let description: String
  /// For what else the case draws.
  var draws: SeededGenerator

  /// `stream`: an own row of guests. `leastCPUs`: modelled CPUs, at least. `small`: below 512 MiB, for runs with
  /// mutators.
  init(seed: UInt64, stream: UInt64, leastCPUs: Int = 1, small: Bool = false) throws {
    var generator = SeededGenerator(seed: seed, stream: stream)
    // A third of the guests each.
    let kernel = KernelVersion.allCases[Int(seed % UInt64(KernelVersion.allCases.count))]
    let cpus = leastCPUs + generator.below(6)
    var text: String
    let kind = generator.below(100)
    var guest: Guest
    if kind < 20 {
      (guest, text) = try Self.captured(&generator, cpus, kernel)
    } else {
      var geometry: GuestGeometry
      if kind < 22 && !small {
        geometry = Self.large(&generator, cpus)
        text = "large"
      } else if kind < 60 {
        geometry = Self.standard(&generator, cpus, small)
        text = "standard"
      } else {
        geometry = Self.compact(&generator, cpus)
        text = "compact"
      }
      Self.common(&geometry, &generator)
      geometry.kernel = kernel
      guest = try Guest(geometry)
      if generator.chance(0.35) {
        guest.fillFresh()
        text += " fresh"
      } else {
        let free = 0.05 + 0.9 * Double(generator.below(1000)) / 1000
        // Page by page costs time, so only small guests are churned so in large part.
        let pages = guest.geometry.managedPages
        let oneIn = pages < 16_384 ? 1 + generator.below(8) : pages < 65_536 ? 8 : 64
        let aging = Aging(freeFraction: free, pagewiseOneIn: oneIn)
        try guest.age(aging, seed: generator.next())
        text += " aged to \(free), one pageblock in \(oneIn) page by page"
      }
    }
    let order = ListOrder.allCases[generator.below(ListOrder.allCases.count)]
    guest.reorderLists(order, seed: generator.next())
    let zones = guest.geometry.zones.map { "\($0.node)\($0.type.name):\($0.spannedPages)" }
    description =
      "\(text), rules of \(kernel.rawValue), \(order), granule \(guest.core.granuleOrder), highest \(guest.core.highestOrder), \(cpus) CPUs, "
      + "\(guest.geometry.nodeCount) nodes, \(guest.geometry.lockKind), zones \(zones)"
    self.guest = guest
    draws = generator
  }

  private static func common(_ geometry: inout GuestGeometry, _ generator: inout SeededGenerator) {
    geometry.lockKind = generator.chance(0.5) ? .queued : .testAndSet
    geometry.vmemmapPage = generator.chance(0.2) ? .huge : .small
  }

  private static func granule(_ generator: inout SeededGenerator) -> Int {
    generator.chance(0.5) ? 0 : generator.below(10)
  }

  private static func standard(
    _ generator: inout SeededGenerator, _ cpus: Int, _ small: Bool
  ) -> GuestGeometry {
    // Half of them below 96 MiB.
    let megabytes = 32 + 4 * generator.below(small || generator.chance(0.5) ? 16 : 121)
    return .standard(
      bytes: UInt64(megabytes) << 20, nodes: 1 + generator.below(4), cpus: cpus, granuleOrder: granule(&generator))
  }

  /// Real zones at their real places: Normal and, by `movablecore=`, Movable above 4 GiB.
  private static func large(_ generator: inout SeededGenerator, _ cpus: Int) -> GuestGeometry {
    .standard(
      bytes: UInt64(3328 + 4 * generator.below(512)) << 20, nodes: 1 + generator.below(4), cpus: cpus,
      granuleOrder: 4 + generator.below(6), movableShare: Double(generator.below(10)) / 10)
  }

  /// All kinds of zones in a small space, with ends that lie anywhere.
  private static func compact(_ generator: inout SeededGenerator, _ cpus: Int) -> GuestGeometry {
    let granuleOrder = granule(&generator)
    let granule: UInt64 = 1 << UInt64(granuleOrder)
    let nodes = 1 + generator.below(4)
    var zones: [GuestGeometry.ZoneExtent] = []
    var next: UInt64 = 0
    for node in 0..<nodes {
      let types: [ZoneType] = node == 0 ? [.dma, .dma32, .normal, .movable] : [.normal, .movable]
      for type in types {
        if generator.chance(type == .normal ? 0.1 : 0.4) && !(type == .movable && zones.isEmpty) { continue }
        let most = type == .dma ? 8 : type == .normal ? 48 : 24
        var span = UInt64(512 * (1 + generator.below(most)))
        if generator.chance(0.3) { span += UInt64(generator.below(512)) / granule * granule }
        func part() -> UInt64 {
          generator.chance(0.5) ? 0 : UInt64(generator.below(Int(span / granule / 8) + 1)) * granule
        }
        let start = part()
        let end = part()
        zones.append(
          GuestGeometry.ZoneExtent(
            node: node, nodeID: node, type: type, startPFN: next, spannedPages: span,
            managedPages: span - start - end, reservedAtStart: start, reservedAtEnd: end))
        next = (next + span + 511) / 512 * 512
        if generator.chance(0.3) { next += 512 * UInt64(generator.below(6)) }
      }
    }
    return GuestGeometry(zones: zones, nodeCount: nodes, cpuCount: cpus, granuleOrder: granuleOrder)
  }

  private static func captured(
    _ generator: inout SeededGenerator, _ cpus: Int, _ kernel: KernelVersion
  ) throws -> (Guest, String) {
    let orders = generator.chance(0.75) ? 11 : 7 + generator.below(4)
    let granuleOrder = generator.chance(0.6) ? 0 : generator.below(min(orders, 10))
    let hasTypes = generator.chance(0.7)
    let hasDetails = generator.chance(0.7)
    let hasCMA = hasTypes && generator.chance(0.3)
    var zones: [CapturedZone] = []
    var next: UInt64 = 0
    for node in 0..<(1 + generator.below(3)) {
      // Numbers may have gaps.
      let nodeID = node * 3
      let kinds: [CapturedZoneKind] = node == 0 ? [.dma, .dma32, .normal, .movable] : [.normal, .movable]
      for kind in kinds {
        if kind != .normal && generator.chance(0.5) { continue }
        var byType = Array(repeating: [UInt64](repeating: 0, count: orders), count: 5)
        for order in granuleOrder..<orders {
          for type in 0..<5 {
            // HighAtomic and Isolate are rare, and what is large is mostly movable.
            // Isolated blocks below a pageblock are refused.
            if type == 4 && order < min(9, orders - 1) { continue }
            if type >= 3 ? !generator.chance(0.15) : !generator.chance(type == 1 ? 0.8 : 0.4) { continue }
            byType[type][order] = UInt64(generator.below(order == orders - 1 ? 20 : order < 4 ? 40 : 6))
          }
        }
        if hasCMA {
          byType.append(
            (0..<orders).map { order in
              order < granuleOrder || !generator.chance(0.3)
                ? 0 : UInt64(generator.below(order == orders - 1 ? 12 : order < 4 ? 20 : 3))
            })
        }
        if !hasTypes { byType = byType.enumerated().map { $0.offset == 1 ? $0.element : $0.element.map { _ in 0 } } }
        let counts = (0..<orders).map { order in byType.reduce(0) { $0 + $1[order] } }
        var zone = CapturedZone(
          nodeID: nodeID, kind: kind, freeBlocks: counts, freeBlocksByMigratetype: hasTypes ? byType : nil)
        if zone.freePages == 0 { continue }
        if hasDetails {
          let span = (zone.freePages * 2 / 1024 + (hasCMA ? 6 : 2)) * 1024
          let min = generator.chance(0.3) ? 0 : UInt64(generator.below(Int(zone.freePages)))
          zone.details = ZoneDetails(
            startPFN: next, spanned: span, present: span, managed: span, min: min, low: min + min / 4,
            high: min + min / 2)
          next += span
        }
        zones.append(zone)
      }
    }
    if zones.isEmpty {
      var counts = [UInt64](repeating: 0, count: orders)
      counts[orders - 1] = 3
      zones.append(CapturedZone(nodeID: 0, kind: .normal, freeBlocks: counts))
    }
    let capture = Capture(zones: zones, orders: orders)
    var geometry = try GuestGeometry.captured(capture, cpus: cpus, granuleOrder: granuleOrder)
    common(&geometry, &generator)
    geometry.kernel = kernel
    var guest = try Guest(geometry)
    do throws(GuestError) {
      try guest.fill(from: capture)
    } catch {
      guard case .doesNotFit = error, kernel != .linux61 else { throw error }
      // Pageblocks of one type each need more room than this capture has.
      geometry.kernel = .linux61
      guest = try Guest(geometry)
      try guest.fill(from: capture)
    }
    return (guest, "captured, types \(hasTypes), CMA \(hasCMA), details \(zones.contains { $0.details != nil })")
  }
}
