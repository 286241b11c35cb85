import GuestMemory
import Testing

@testable import LinuxGuest

/// The comparison of kernel and model: that it finds what differs. The traces are the model's own, since no kernel is
/// built here; those of real kernels are `hintbench kernel check`.
@Suite struct KernelTraceTests {
  /// One zone of 64 MiB, all free, as User Mode Linux has it.
  private static var start: KernelState {
    var zone = KernelState.Zone()
    zone.name = "Normal"
    zone.spannedPages = 16384
    zone.managedPages = 16384
    zone.watermarks = Watermarks(min: 100, low: 125, high: 150)
    zone.freePages = 16384
    zone.blocksFree = [Int](repeating: 0, count: 10) + [16]
    zone.lists = [.init(order: 10, type: 1, pfns: (0..<16).map { $0 * 1024 })]
    zone.pageblockOrder = 10
    zone.pageblocks = [Int](repeating: 1, count: 16)
    var lists = KernelState.PerCPU()
    lists.high = 125
    lists.batch = 15
    zone.perCPU = [lists]
    var state = KernelState()
    state.zones = [zone]
    return state
  }

  /// A trace as a kernel with the model's rules would print it.
  private static func trace(seed: UInt64, operations: Int, every: Int = 100) throws -> ProbeReport.Trace {
    var trace = ProbeReport.Trace(seed: seed, most: 20_000, start: start)
    for number in 1...operations {
      // What the model does next is what it says to differ from.
      trace.steps.append(.freed(.max))
      let own = try #require(try KernelTrace.executed(trace, .linux61))
      trace.steps[number - 1] = own.step
      if number % every == 0 { trace.checkpoints.append((number, own.state)) }
    }
    return trace
  }

  /// Which seed differs at which operation, if its trace gets that far; a list shows it `early` operations before.
  private static func shortest(
    _ differing: [UInt64: Int], early: Int = 0, operations: Int = 1000
  ) throws -> KernelCheck.Shortest? {
    try KernelCheck.shortest(from: 5, operations: operations) { seed, operations, every in
      guard let at = differing[seed] else { return nil }
      let seen = every == 1 ? at - early : at
      return seen <= operations ? KernelTrace.Difference(operation: seen, words: "w") : nil
    }
  }

  @Test func theShortestTraceThatDiffersIsLookedFor() throws {
    #expect(try Self.shortest([:]) == nil)
    #expect(
      try Self.shortest([5: 900, 9: 700, 20: 800, 44: 650]).map { [$0.seed, UInt64($0.operations)] } == [44, 650])
    // Beyond those that are tried.
    #expect(try Self.shortest([5: 900, 45: 3])?.seed == 5)
    let short = try #require(try Self.shortest([5: 40, 6: 50], early: 7))
    #expect(short == .init(seed: 5, operations: 33, every: 1, difference: "operation 33, w"))
    #expect(short.arguments == "--traces 1 --seed 5 --operations 33 --every 1")
    // What differs before the first operation isn't made shorter.
    #expect(try Self.shortest([5: 0, 6: 12])?.seed == 6)
  }

  @Test func aTraceOfTheModelIsEqual() throws {
    let trace = try Self.trace(seed: 3, operations: 300)
    #expect(try KernelTrace.difference(from: trace, .linux61) == nil)
    #expect(trace.steps.contains(.allocated(nil)) || trace.steps.count == 300)
  }

  @Test func anotherBlockIsFoundAtItsOperation() throws {
    var trace = try Self.trace(seed: 3, operations: 200)
    let at = try #require(
      trace.steps.indices.last { if case .allocated(.some) = trace.steps[$0] { true } else { false } })
    trace.steps[at] = .allocated(1)
    let found = try #require(try KernelTrace.difference(from: trace, .linux61))
    #expect(found.operation == at + 1 && found.words.contains("PFN 1, PFN"))
  }

  @Test func aListInAnotherOrderIsFoundAtItsCheckpoint() throws {
    var trace = try Self.trace(seed: 3, operations: 200)
    let lists = trace.checkpoints[1].state.zones[0].lists
    let list = try #require(lists.indices.first { lists[$0].pfns.count > 1 })
    trace.checkpoints[1].state.zones[0].lists[list].pfns.swapAt(0, 1)
    let found = try #require(try KernelTrace.difference(from: trace, .linux61))
    #expect(found.operation == 200 && found.words.contains("entry 0 is PFN"))
  }

  @Test(arguments: ["pages", "boost", "reserve", "nr_free", "pageblock", "pcp", "free_factor"])
  func everyPartOfTheStateCounts(part: String) throws {
    var state = Self.start
    switch part {
    case "pages": state.zones[0].freePages += 1
    case "boost": state.zones[0].boost += 1
    case "reserve": state.zones[0].highAtomic += 1
    case "nr_free": state.zones[0].blocksFree[10] += 1
    case "pageblock": state.zones[0].pageblocks[3] = 2
    case "pcp": state.zones[0].perCPU[0].lists[1] = [7]
    default: state.zones[0].perCPU[0].freeFactor = 1
    }
    #expect(state.difference(to: Self.start) != nil && Self.start.difference(to: Self.start) == nil)
  }

  @Test func aStateThatTheModelCannotHoldIsFoundBeforeTheFirstOperation() throws {
    var trace = ProbeReport.Trace(seed: 1, most: 100, start: Self.start)
    // Two free blocks less than its counter says.
    trace.start.zones[0].blocksFree[10] = 18
    #expect(try KernelTrace.difference(from: trace, .linux61)?.operation == 0)
  }
}
