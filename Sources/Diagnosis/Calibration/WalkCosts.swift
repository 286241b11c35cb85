import Bench
import GuestMemory
import Instruments
import Machine
import Records

/// Measures walks over the free lists of modelled guests, in C and in Swift, at the highest order. This walk is the
/// floor that every run compares its results with.
struct WalkCosts {
  private static let highestOrder = 10
  /// The size of a highest-order block, so that heads on their lists are 64 KiB apart.
  private static let blockBytes: UInt64 = 4 << 20

  /// Steps for aged guests, smallest first.
  static func agedGuests(_ effort: CalibrationEffort, _ host: LadderHost) -> [LadderStep] {
    effort.guests.map { bytes in
      // As `auto` chooses: the kernel's own pages if they cost little, otherwise only what is touched.
      let page: GuestGeometry.VmemmapPage = bytes <= 64 << 30 ? .huge : .small
      return step(spec(bytes, .aged(free: 0.5), page), "aged, half free", effort, host)
    }
  }

  /// A step for a guest whose walk touches a quarter more than the last-level cache holds, counting one line of the
  /// head and one of the page table per block; empty if not wanted. The guest is all free: an aged one with as many
  /// blocks would be three times the size and take longer than everything else.
  static func beyondCache(_ effort: CalibrationEffort, _ host: LadderHost) -> [LadderStep] {
    guard effort.walksBeyondCache else { return [] }
    let unit: UInt64 = 64 << 30
    let heads = UInt64(host.lastLevelCacheBytes ?? 0) / 128 * 5 / 4
    let bytes = max(1, (heads * blockBytes + unit - 1) / unit) * unit
    var step = step(spec(bytes, .fresh, .small), "all free, churned lists", effort, host)
    step.isLong = true
    if host.lastLevelCacheBytes == nil {
      step.measure = { throw LadderError("the last-level cache's size isn't known, and so no list that is larger") }
    }
    return [step]
  }

  private static func spec(
    _ bytes: UInt64, _ state: GuestSpec.State, _ page: GuestGeometry.VmemmapPage
  ) -> GuestSpec {
    GuestSpec(
      bytes: bytes, cpus: 4, state: state, listOrder: .churned, vmemmapPage: page, seed: 1)
  }

  private static func step(
    _ spec: GuestSpec, _ state: String, _ effort: CalibrationEffort, _ host: LadderHost
  ) -> LadderStep {
    let kinds = CacheState.allCases.flatMap { cache in ModelledGuest.Walk.allCases.map { (cache: cache, walk: $0) } }
    let primitives = kinds.map { kind in
      Primitive("walk-\(kind.walk.rawValue)", "a list walk in \(kind.walk.language)", per: "block").with {
        $0.guestBytes = spec.bytes
        $0.state = state
        $0.pageBytes = spec.vmemmapPage.bytes
        $0.cache = kind.cache.rawValue
      }
    }
    var geometry = GuestGeometry.standard(bytes: spec.bytes, cpus: spec.cpus)
    geometry.vmemmapPage = spec.vmemmapPage
    var startingState = GuestFootprint.State.fresh
    if case .aged(let free, _) = spec.state { startingState = .aged(Aging(freeFraction: free)) }
    let room = GuestFootprint.estimate(geometry, startingState, wholeBlocks: false).bytes
    return LadderStep(
      "walks over \(ByteSize(bytes: spec.bytes))", primitives,
      // Evicting the caches before each cold walk takes as long as building some 128 MiB of guest.
      work: .init("guest", amount: Double(room) + 0x1p27)
    ) {
      try host.check(room: room)
      let model = try ModelledGuest(spec, [:], LibNuma())
      try checkPages(model, host)
      let evictor = try CacheEvictor(lastLevelCacheBytes: host.lastLevelCacheBytes)
      var costs = kinds.map { _ in [Double]() }
      var blocks = 0
      let patience = Patience()
      for round in 0..<effort.ladder.rounds where !patience.isOver(rounds: round) {
        // In alternating order, so that neither always runs second.
        for index in round.isMultiple(of: 2) ? Array(kinds.indices) : kinds.indices.reversed() {
          let kind = kinds[index]
          let key = ModelledGuest.FloorKey(order: highestOrder, cache: kind.cache)
          guard let walk = model.timeWalk(kind.walk, key, evictor) else {
            throw LadderError("the guest has no free block of order \(highestOrder), or no room for their addresses")
          }
          costs[index].append(walk.nanosecondsPerBlock)
          blocks = walk.blocks
        }
      }
      return costs.map { .measured(RungFigure(costs: $0, operations: blocks, note: "\(blocks) blocks")) }
    }
  }

  /// Checks that the memory map is in pages of the expected size.
  private static func checkPages(_ model: ModelledGuest, _ host: LadderHost) throws {
    guard model.spec.vmemmapPage == .huge else { return }
    guard host.hugePages(model.guest.core.vmemmapAddress)?.isWhole == true else {
      throw LadderError("the kernel didn't back the whole vmemmap with huge pages as requested")
    }
  }
}
