import CAllocationCounter
import Delivery
import Fixtures
import GuestMemory
import Hinting
import Instruments

import func Glibc.exit

// Runs each strategy's session, both passes, and counts the calls to the allocator of this thread meanwhile: from the
// session's start until everything is given back there must be none. Exit status 1 where there is one, or a session that
// didn't do its work.
//
// `--self-test` allocates on purpose in the counted region: exit status 1 where that isn't seen in each case.

struct Case {
  let strategy: ConfiguredStrategy
  let guest: Guest
  let state: String
  let order: Int
}

/// Calls to malloc() and free() and their kin while `body` ran.
@inline(never)
func allocations(_ body: () -> Void) -> (made: UInt64, freed: UInt64) {
  let before = allocation_counts()
  body()
  let after = allocation_counts()
  return (after.allocations - before.allocations, after.frees - before.frees)
}

/// A strategy with its defaults, and once more for each other value of each option that is a choice.
func variants(_ entry: StrategyEntry) -> [ConfiguredStrategy] {
  do {
    var all = [try entry.configured()]
    for option in entry.card.options {
      guard case .choice(let values) = option.kind else { continue }
      for value in values where value != option.defaultValue { all.append(try entry.configured([option.name: value])) }
    }
    return all
  } catch { fatalError("\(entry.card.name): \(error)") }
}

/// What one case allocated, in words; nil: nothing.
func check(_ test: Case, selfTest: Bool) -> [String] {
  var faults: [String] = []
  let core = test.guest.core
  let stop = StopFlag()
  defer { stop.deallocate() }
  do {
    let runner = test.strategy.runner()
    try runner.prepare(core, lowestOrder: test.order)
    let session = Session(lowestOrder: test.order, stop: stop)
    let holds = try HoldLog(capacity: 1 << 22)
    let hints = try HintLog(capacity: 1 << 24)
    // In the counted region, as the first thing of the session.
    let bracket = StrategyRunner.Bracket(start: { if selfTest { allocateOnPurpose() } }, stop: {})

    test.guest.restore()
    runner.reset(core)
    var speedOutcome = Outcome.complete
    let speed = allocations { speedOutcome = runner.speedPass(.init(test.guest), session, bracket: bracket).outcome }
    test.guest.restore()
    runner.reset(core)
    var probeOutcome = Outcome.complete
    let probe = allocations {
      probeOutcome = runner.probedPass(.init(test.guest), holds.probe(), session, hints).outcome
    }
    for (pass, count, outcome) in [("speed", speed, speedOutcome), ("probed", probe, probeOutcome)] {
      if count.made + count.freed > 0 { faults.append("\(pass) pass: \(count.made) allocations, \(count.freed) frees") }
      // What ended at once had nothing to allocate for.
      if outcome != .complete && outcome != .limit { faults.append("\(pass) pass: ended with \(outcome.name)") }
    }
  } catch { faults.append("\(error)") }
  return faults
}

@inline(never)
func allocateOnPurpose() {
  let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 16)
  memory.deallocate()
}

func run(selfTest: Bool) -> Bool {
  // The first use calibrates the clock; no session does.
  _ = CycleClock.nanosecondsPerTick
  let fresh = GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte)
  let aged = GuestFixture.aged(bytes: 2 * GuestFixture.gibibyte)

  var cases = 0
  var faulty = 0
  for entry in Strategies.all {
    for strategy in variants(entry) {
      for (state, guest) in [("fresh", fresh), ("aged", aged)] {
        let highest = guest.core.highestOrder
        for order in Set([highest, strategy.nativeOrder(highest: highest)]).sorted() {
          let faults = check(Case(strategy: strategy, guest: guest, state: state, order: order), selfTest: selfTest)
          cases += 1
          if !faults.isEmpty { faulty += 1 }
          guard faults.isEmpty == selfTest else { continue }
          for fault in selfTest ? ["its allocation isn't seen"] : faults {
            print("\(strategy.fullName), \(state), order \(order): \(fault)")
          }
        }
      }
    }
  }
  print("\(cases) cases, \(faulty) of them allocate during a session" + (selfTest ? ", as each should here" : ""))
  return faulty == (selfTest ? cases : 0)
}

switch Array(CommandLine.arguments.dropFirst()) {
case []: exit(run(selfTest: false) ? 0 : 1)
case ["--self-test"]: exit(run(selfTest: true) ? 0 : 1)
default:
  print("usage: NoAllocations [--self-test]")
  exit(64)
}
