import Instruments

/// The rungs that only need the machine, no modelled guest.
public enum MachineLadder {
  /// Loops, the clock, a system call, and an atomic addition, uncontended and contended.
  public static func stepCosts(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    let rounds = effort.rounds
    return [
      LadderStep("a loop", [StepCosts.emptyLoopPrimitive]) { [.measured(StepCosts.emptyLoop(rounds: rounds))] },
      LadderStep("the clock", [StepCosts.clockPrimitive, StepCosts.clockP99Primitive]) {
        let clock = StepCosts.clock(rounds: rounds)
        return [.measured(clock.p50), .measured(clock.p99)]
      },
      LadderStep("a system call", [StepCosts.systemCallPrimitive]) {
        [.measured(StepCosts.systemCall(rounds: rounds))]
      },
      LadderStep("an atomic addition", [StepCosts.atomicAddPrimitive]) {
        [.measured(StepCosts.atomicAdd(rounds: rounds))]
      },
      LadderStep("an atomic addition", [ContendedAddition.primitive]) {
        [.measured(try ContendedAddition.measure(effort, host))]
      },
    ]
  }

  /// Kicks by eventfd.
  public static func kicks(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    [
      LadderStep("a write to an eventfd", [KickCosts.writePrimitive]) {
        [.measured(try KickCosts.write(rounds: effort.rounds))]
      },
      LadderStep("waking a thread", [KickCosts.wakingWritePrimitive, KickCosts.roundTripPrimitive]) {
        let wakeUps = try KickCosts.wakeUps(rounds: effort.rounds, host)
        return [.measured(wakeUps.write), .measured(wakeUps.roundTrip)]
      },
    ]
  }

  /// Zeroing memory, touching it first, and discarding it.
  public static func pages(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    let sizes: [UInt64] = [4 << 10, 2 << 20, 4 << 20]
    return [
      LadderStep("zeroing", sizes.map(ZeroingCosts.primitive)) {
        let zeroing = try ZeroingCosts()
        return sizes.map { bytes in
          .measured(
            bytes == 4096
              ? zeroing.scatteredPages(rounds: effort.rounds)
              : zeroing.blocks(of: Int(bytes), rounds: effort.rounds))
        }
      }
    ] + PageCosts.steps(effort, host)
  }

  /// Loads over all working sets, smallest first.
  public static func loads(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    LoadCosts.steps(effort, host)
  }
}

extension StepCosts {
  static let emptyLoopPrimitive = Primitive("empty-loop", "a step of a counting loop", per: "step")
  static let clockPrimitive = Primitive("clock", "an interval with nothing in it", per: "interval")
  static let clockP99Primitive = Primitive("clock-p99", "second longest of 100 empty intervals", per: "interval")
  static let systemCallPrimitive = Primitive("system-call", "the shortest system call, getppid", per: "call")
  static let atomicAddPrimitive = Primitive("atomic-add", "an atomic addition, own cache line", per: "addition")
}

extension ZeroingCosts {
  static func primitive(_ bytes: UInt64) -> Primitive {
    Primitive(
      "zeroing", bytes == 4096 ? "zeroing scattered pages" : "zeroing a block page by page", per: "block"
    )
    .with { $0.operationBytes = bytes }
  }
}
