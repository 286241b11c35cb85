import Testing

@testable import GuestMemory

@Suite struct BuddyTraceTests {
  private enum Step {
    case take(Int)
    case put(Int)
  }

  /// Every sequence of up to five steps on a zone of 16 pages ends, when all is given back, in the blocks it began
  /// with; on the way the guest is whole and its lists stand exactly as the rules say.
  @Test func everyShortSequenceKeepsTheRulesAndComesBack() throws {
    let guest = try Guest.fresh(.bare([0..<16], highestOrder: 3))
    let start = Picture(guest)
    let reference = ReferenceBuddy(guest)
    var sequences = 0

    func explore(_ steps: [Step]) {
      guest.restore()
      var model = reference
      var held: [Block] = []
      for step in steps {
        switch step {
        case .take(let order):
          let block = guest.take(order: order)
          let expected = model.take(order: order, 1, avoidFragmentation: false)
          guard block?.pfn == expected else {
            Issue.record("\(steps): got \(String(describing: block)), not \(String(describing: expected))")
            return
          }
          guard let block else { return }
          held.append(block)
        case .put(let index):
          let block = held.remove(at: index)
          guest.put(block.pfn, order: block.order)
          model.release(block.pfn, order: block.order)
        }
      }
      sequences += 1
      let lists = Picture(guest).lists
      if lists != model.pictured { Issue.record("\(steps): \(lists), not \(model.pictured)") }
      let faults = guest.validate(held: held)
      if !faults.isEmpty { Issue.record("\(steps): \(faults)") }
      if steps.count < 5 {
        for order in 0...3 { explore(steps + [.take(order)]) }
        for index in held.indices { explore(steps + [.put(index)]) }
      } else {
        for block in held { guest.put(block.pfn, order: block.order) }
        if Picture(guest).blocks != start.blocks { Issue.record("\(steps) doesn't come back") }
      }
    }
    explore([])
    #expect(sequences > 2000)
  }

  /// Long random traces over all orders and migratetypes against the reference, list for list.
  @Test(arguments: Seeds.list) func randomTracesKeepTheRulesAndComeBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed, stream: 101)
    // A zone that begins and ends inside a pageblock.
    let marks = Watermarks(min: 0, low: 0, high: 1000)
    let guest = try Guest.fresh(.bare([256..<(1024 * 5 + 640)], marks: marks))
    let start = Picture(guest)
    var model = ReferenceBuddy(guest)
    var held: [(block: Block, type: Migratetype)] = []
    let zone = guest.core.zone(0)

    func check(_ step: Int) -> Bool {
      let lists = Picture(guest).lists
      guard lists == model.pictured else {
        Issue.record("seed \(seed), step \(step): the lists differ from the reference's")
        return false
      }
      for (pageblock, type) in model.pageblocks where Int(guest.core.pageblockTypes[Int(pageblock)]) != type {
        Issue.record("seed \(seed), step \(step): pageblock \(pageblock) isn't of type \(type)")
        return false
      }
      #expect(zone.pointer.pointee.watermark_boost == model.boost)
      let faults = guest.validate(held: held.map(\.block))
      if !faults.isEmpty { Issue.record("seed \(seed), step \(step): \(faults)") }
      return faults.isEmpty
    }

    for step in 0..<2500 {
      // Phases that fill and phases that empty.
      let takes = random.chance(step / 250 % 2 == 0 ? 0.8 : 0.25)
      if takes {
        let order = [0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10][random.below(14)]
        let type = Migratetype(rawValue: random.below(3))
        let avoid = random.chance(0.2)
        let block = guest.take(order: order, type, avoidFragmentation: avoid)
        let expected = model.take(order: order, type.rawValue, avoidFragmentation: avoid)
        guard block?.pfn == expected else {
          Issue.record("seed \(seed), step \(step): order \(order) of \(type.name): \(String(describing: block))")
          return
        }
        if let block {
          if type == .movable { guest.core.page(block.pfn).pointer.pointee.flags |= Page.flagLRU }
          held.append((block, type))
        }
      } else if !held.isEmpty {
        let (block, _) = held.remove(at: random.below(held.count))
        guest.put(block.pfn, order: block.order)
        model.release(block.pfn, order: block.order)
      }
      if step % 50 == 0, !check(step) { return }
    }
    for (block, _) in held {
      guest.put(block.pfn, order: block.order)
      model.release(block.pfn, order: block.order)
    }
    held = []
    #expect(check(-1))
    #expect(Picture(guest).blocks == start.blocks)
    #expect(zone.freePages == zone.managedPages)
  }

  /// Through the CPU's entry points, over several zones and nodes, orders 0 to 10 and every migratetype.
  @Test(arguments: Seeds.list, LockKind.allCases)
  func randomRequestsComeBack(seed: UInt64, lock: LockKind) throws {
    var random = SeededGenerator(seed: seed, stream: 102)
    let guest = try Guest.fresh(.small(gib: 4.25, nodes: 2, cpus: 2, movableShare: 0.3, lock: lock))
    let start = Picture(guest)
    var cpus = [guest.cpu(0), guest.cpu(1)]
    var held: [Block] = []
    for step in 0..<3000 {
      let cpu = random.below(2)
      if random.chance(0.6) {
        let order = random.below(11)
        let gfp: GFP = [.userMovable, .kernel, [.reclaimable, .kswapd], .atomicContext, .freePageAlloc][random.below(5)]
        if let pfn = cpus[cpu].allocate(order: order, gfp, onNode: random.below(2)) {
          held.append(Block(pfn: pfn, order: order))
        }
      } else if !held.isEmpty {
        let block = held.remove(at: random.below(held.count))
        cpus[cpu].free(pfn: block.pfn, order: block.order)
      }
      if step % 1000 == 999 {
        let faults = guest.validate(held: held)
        #expect(faults.isEmpty, "seed \(seed), step \(step)")
      }
    }
    for block in held { cpus[random.below(2)].free(pfn: block.pfn, order: block.order) }
    for cpu in cpus.indices { cpus[cpu].drainPerCPULists() }
    #expect(guest.validate().isEmpty)
    #expect(Picture(guest).blocks == start.blocks)
    #expect(guest.core.zones.allSatisfy { $0.freePages == $0.managedPages && $0.pointer.pointee.bad_pages == 0 })
  }
}
