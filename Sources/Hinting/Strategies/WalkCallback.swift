import Delivery
import GuestMemory
import Instruments
import Records

/// walk_free_mem_block() of v15 to v32 (2017 and 2018): walks a whole list of one order and migratetype in one hold,
/// and calls the driver for each block within the hold.
///
/// The callback detaches what the host has used and puts the block into the queue; if only the entry reserved for the
/// command is left, it drops the block silently. When to kick changed four times: the versions that kick in the
/// callback exit to the host with the lock held. A block that merges, is split or is moved between two holds may be
/// reported twice or not at all, as the kernel's own comment says.
///
/// The host's stop is read in each callback, as since v24, and also before each list, so that a stopped session doesn't
/// lock the remaining empty lists. A session that dropped blocks ends with `limit`: its queue was its cap.
struct WalkCallback: StrategyPasses {
  typealias Hooks = NoHooks

  static var allocatorUse: AllocatorUse { .readsLists }

  static let card = StrategyCard(
    name: "walk-callback", origin: "v15 to v32, 2017 and 2018", summary: "a callback for each block, under the lock",
    effect: .readsOnly, nativeOrder: 0,
    holdBound: "a whole list of one order and migratetype, times the callback",
    sideEffects: "none; a block that changes order or list meanwhile is hinted twice",
    limits: "hints are dropped while the queue is full",
    options: [
      DeclaredOption(
        "kick", .choice(["none", "half", "past-half"]), default: "none",
        "when the callback kicks: never (the host polls), when half the queue is free, after each block from there on",
        source: "none: v26 to v32; half: v23; past-half: v24"),
      DeclaredOption(
        "reclaim", .choice(["interrupt", "busy-wait"]), default: "interrupt",
        "after a stop, buffers still in the queue are left to the interrupt, or waited for",
        source: "interrupt: v32; busy-wait: v27 to v31"),
    ])

  private enum Kick {
    case none
    case half
    case pastHalf
  }

  private let kick: Kick
  private let waits: Bool
  /// Blocks of the last session that found no room in the queue.
  private(set) var dropped = 0

  init(_ options: OptionValues) {
    switch options.choice("kick") {
    case "half": kick = .half
    case "past-half": kick = .pastHalf
    default: kick = .none
    }
    waits = options.choice("reclaim") == "busy-wait"
  }

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    dropped = 0
    // The driver's probe fails (-ENOSPC, v25).
    if sink.queueSize < 2 { return .error("a queue of fewer than 2 entries has none for hints") }
    sink.command()
    let wasStopped = walk(&cpu, &sink, session)
    sink.command()
    if waits { while sink.descriptorsFree < sink.queueSize { sink.reclaim() } }
    return wasStopped ? .stopped : dropped > 0 ? .limit : .complete
  }

  /// Walks one list. Returns true if the host's stop ended it.
  @inline(__always)
  private mutating func walk<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: Session
  ) -> Bool {
    let core = cpu.core
    let stop = session.stop
    let kick = kick
    let half = sink.queueSize / 2
    var lost = 0
    defer { dropped = lost }
    for zone in session.zones(core) {
      var order = core.highestOrder
      while order >= session.lowestOrder {
        for type in 0..<core.migratetypes {
          if stop.isSet { return true }
          let wasStopped = cpu.withZoneLocked(core.zone(zone)) { hold in
            let core = hold.core
            for page in hold.freeList(order: order, Migratetype(index: type)) {
              // The callback. Its stop takes effect before the block: that one isn't visited.
              if stop.isSet { return true }
              hold.items &+= 1
              sink.reclaim()
              guard sink.descriptorsFree > 1, sink.hint(Block(pfn: core.pfn(page), order: order)) else {
                lost &+= 1
                sink.didDrop()
                continue
              }
              switch kick {
              case .none: break
              case .half: if sink.descriptorsFree == half { sink.kick() }
              case .pastHalf: if sink.descriptorsFree < half { sink.kick() }
              }
            }
            return false
          }
          if wasStopped { return true }
        }
        order &-= 1
      }
    }
    return false
  }
}
