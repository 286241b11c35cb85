/// Runs programs against each other in every order of their steps, each state of the whole once.
struct Explorer<Memory: ModelMemory> {
  typealias Program = (inout Replay<Memory>, _ thread: Int) throws(Interruption) -> Void

  /// What was found.
  struct Outcome {
    var states = 0
    var steps = 0
    /// States in which every program had ended.
    var ends = 0
    /// The first violation, and which thread each step before it was of; -1 for the outside.
    var violation: String?
    var path: [Int] = []
    /// Whether there were too many states to look at all.
    var isCutShort = false
  }

  private struct State: Hashable {
    var memory: Memory
    /// Nil: it has ended.
    var logs: [[UInt8]?]
  }

  let programs: [Program]
  var mostStates = 400_000

  func explore(_ memory: Memory) -> Outcome {
    var outcome = Outcome()
    var seen: Set<State> = []
    // Depth first, the path beside it.
    var stack: [(state: State, depth: Int, thread: Int)] = [
      (State(memory: memory, logs: programs.map { _ in [] }), 0, -2)
    ]
    var path: [Int] = []
    while let (state, depth, thread) = stack.popLast() {
      path.removeSubrange(min(depth, path.count)...)
      path.append(thread)
      guard seen.insert(state).inserted else { continue }
      outcome.states += 1
      if outcome.states > mostStates {
        outcome.isCutShort = true
        return outcome
      }
      func stop(_ violation: String) -> Outcome {
        outcome.violation = violation
        outcome.path = Array(path.dropFirst())
        return outcome
      }
      if let fault = state.memory.violations.first ?? state.memory.faults().first { return stop(fault) }
      var isStuck = true
      for (index, program) in programs.enumerated() {
        guard let log = state.logs[index] else { continue }
        var replay = Replay(state.memory, log)
        var next = state
        do throws(Interruption) {
          try program(&replay, index)
          next.logs[index] = nil
        } catch .atNextStep {
          next.logs[index] = replay.log
        } catch {
          continue
        }
        isStuck = false
        outcome.steps += 1
        next.memory = replay.memory
        stack.append((next, depth + 1, index))
      }
      if state.logs.allSatisfy({ $0 == nil }) {
        outcome.ends += 1
        if let fault = state.memory.faultsAtEnd().first { return stop(fault) }
      } else if isStuck {
        return stop("every program waits for another")
      }
      for memory in state.memory.outside {
        outcome.steps += 1
        stack.append((State(memory: memory, logs: state.logs), depth + 1, -1))
      }
    }
    return outcome
  }
}
