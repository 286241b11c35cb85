import GuestMemory

/// A course that departs from the plain one in given places. The plain course: nobody acts but the strategy, and the host
/// only when somebody waits for it.
final class ScriptedCourse: DiscardCourse {
  /// What somebody else does in one place.
  enum Step: UInt8, CaseIterable, Sendable {
    /// A user allocates a block of the highest order and writes to it; if there is none, it reclaims first.
    case user
    /// Somebody else reclaims: the shrinker is called once.
    case shrinker
    /// The host acts on the next buffer.
    case host
  }

  /// A step, and the place where it is taken, by the number of the strategy's pauses before it.
  struct Departure: Equatable, Sendable {
    var place: Int
    var step: Step
  }

  private var script: [Departure] = []
  private var next = 0
  private var place = 0
  /// Whether a step of the script had nothing to do: the course is one with fewer steps.
  private(set) var isFutile = false
  /// What else could have been done after the script's last step, in the order of places.
  private(set) var choices: [Departure] = []

  /// Begins again, with this script, in the order of its places.
  func begin(_ script: [Departure]) {
    self.script = script
    next = 0
    place = 0
    isFutile = false
    choices.removeAll(keepingCapacity: true)
  }

  func pause(_ world: DiscardWorld) {
    while next < script.count, script[next].place == place {
      if !take(script[next].step, world) { isFutile = true }
      next += 1
    }
    if next == script.count {
      for step in Step.allCases where isPossible(step, world) { choices.append(Departure(place: place, step: step)) }
    }
    place += 1
  }

  func wait(_ world: DiscardWorld) {
    pause(world)
    if world.hasBuffers { world.useNext() }
  }

  private func isPossible(_ step: Step, _ world: DiscardWorld) -> Bool {
    switch step {
    case .user: !world.isLocked
    case .shrinker: !world.isLocked && world.canShrink
    case .host: world.hasBuffers
    }
  }

  /// Takes a step. Returns false if there was nothing to do.
  private func take(_ step: Step, _ world: DiscardWorld) -> Bool {
    guard isPossible(step, world) else { return false }
    switch step {
    // Not movable: what the driver gave back is on that list, and what is movable is fallen back to.
    case .user: return world.allocate(order: world.guest.core.highestOrder, .kernel, user: 0) != nil
    case .shrinker: return world.shrink(on: 0)
    case .host:
      world.useNext()
      return true
    }
  }
}
