import GuestMemory
import Instruments

/// What walking the free lists of modelled guests costs, in C and in Swift: the walk that every run holds its results
/// against, over lists of the highest order.
struct WalkCosts {
  private static let highestOrder = 10
  /// Blocks of the highest order are so large, and so the heads on their lists lie 64 KiB apart.
  private static let blockBytes: UInt64 = 4 << 20
  /// After so long a guest's walks end, at three rounds or more. Nanoseconds.
  private static let patience: UInt64 = 1_500_000_000
  private static let fewestRounds = 3

  static func steps(_ effort: CalibrationEffort, _ host: LadderHost) -> [LadderStep] {
    let aged = effort.guests.map { bytes in
      // As `auto` places them: the kernel's own pages as long as they cost little, then only what is touched.
      step(
        spec(bytes, .aged(free: 0.5), .churned, bytes <= 64 << 30 ? .huge : .small), "aged, half free", effort, host,
        work: .init("aged guest", amount: Double(bytes)))
    }
    return effort.walksBeyondCache ? aged + [beyondCache(effort, host)] : aged
  }

  /// A guest whose lists' heads are a quarter more than the last-level cache. All of it is free: an aged one with as
  /// many blocks would take terabytes more, and minutes.
  private static func beyondCache(_ effort: CalibrationEffort, _ host: LadderHost) -> LadderStep {
    let cache = host.lastLevelCacheBytes.map(UInt64.init)
    let step: UInt64 = 64 << 30
    let bytes = ((cache ?? 0) / 64 * 5 / 4 * blockBytes + step - 1) / step * step
    var made = self.step(
      spec(max(bytes, step), .fresh, .churned, .small), "all free, churned lists", effort, host, work: nil)
    if cache == nil {
      let outcomes = made.primitives.map { _ in
        Rung.Outcome.unavailable("the last-level cache's size isn't known, and so no list that is larger")
      }
      made.measure = { outcomes }
    }
    return made
  }

  private static func spec(
    _ bytes: UInt64, _ state: GuestSpec.State, _ order: ListOrder, _ page: GuestGeometry.VmemmapPage
  ) -> GuestSpec {
    GuestSpec(
      bytes: bytes, nodes: 1, cpus: 4, state: state, listOrder: order, granuleOrder: 0, vmemmapPage: page,
      lockKind: .queued, seed: 1)
  }

  private static func step(
    _ spec: GuestSpec, _ state: String, _ effort: CalibrationEffort, _ host: LadderHost, work: LadderStep.Work?
  ) -> LadderStep {
    let kinds = CacheState.allCases.flatMap { cache in ModelledGuest.Walk.allCases.map { (cache: cache, walk: $0) } }
    let primitives = kinds.map { kind in
      Primitive("walk-\(kind.walk.rawValue)", "walking free lists, \(kind.walk.language)", per: "block").with {
        $0.guestBytes = spec.bytes
        $0.state = state
        $0.pageBytes = spec.vmemmapPage.rawValue
        $0.cache = kind.cache.rawValue
      }
    }
    return LadderStep("walks over \(ByteSize(bytes: spec.bytes))", primitives, work: work) {
      var geometry = GuestGeometry.standard(bytes: spec.bytes, cpus: spec.cpus)
      geometry.vmemmapPage = spec.vmemmapPage
      let state: GuestFootprint.State =
        if case .aged(let free) = spec.state { .aged(Aging(freeFraction: free)) } else { .fresh }
      try host.check(room: GuestFootprint.estimate(geometry, state, wholeBlocks: false).bytes)
      let model = try ModelledGuest(spec, [:], LibNuma())
      try checkPages(model, host)
      let evictor = try CacheEvictor(lastLevelCacheBytes: host.lastLevelCacheBytes)
      var costs = kinds.map { _ in [Double]() }
      var blocks = 0
      let began = MonotonicClock.nanoseconds()
      for round in 0..<effort.ladder.rounds {
        if round >= fewestRounds && MonotonicClock.nanoseconds() - began > patience { break }
        for (index, kind) in kinds.enumerated() {
          let key = ModelledGuest.LimitKey(order: highestOrder, cache: kind.cache)
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

  /// Whether the memory map lies in the pages it is for.
  private static func checkPages(_ model: ModelledGuest, _ host: LadderHost) throws {
    guard model.spec.vmemmapPage == .huge else { return }
    guard host.hugePages(model.guest.core.vmemmapAddress)?.isWhole == true else {
      throw LadderError("the kernel didn't put the whole memory map into huge pages, although asked for")
    }
  }
}
