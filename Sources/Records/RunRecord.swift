/// One repetition of a cell: a row of `runs.csv`.
///
/// What was not measured is nil and stands as an empty field, never as 0.
public struct RunRecord: Hashable, Sendable {
  /// Which repetition of which cell of which run a row is.
  public var identity: Identity
  /// The modelled guest as it stood when the repetition began, and the design's options in force.
  public var guest: Guest
  /// What ran beside the strategy, and where everything was placed.
  public var load: Load
  /// What the strategy found, counted against the guest as it really was.
  public var found: Found
  /// What the strategy took from the guest while it ran.
  public var sideEffects: SideEffects
  /// Holds of, and waits for, the zone locks by the strategy's thread. A hold includes the clock's cost.
  public var lock: Lock
  /// What the session cost. From the pass without a probe.
  public var speed: Speed
  /// What passed between the guest and its host.
  public var delivery: Delivery
  /// What the mutators did and suffered. Irq-off time is a wait plus the mutator's own hold.
  public var bystanders: Bystanders
  /// Hardware events of the strategy's thread, and where they were counted.
  public var counters: Counters
  /// How quiet the machine was while the repetition ran.
  public var trust: Trust

  /// Groups left out are not measured.
  public init(
    identity: Identity,
    guest: Guest,
    load: Load,
    found: Found,
    sideEffects: SideEffects = SideEffects(),
    lock: Lock = Lock(),
    speed: Speed = Speed(),
    delivery: Delivery = Delivery(),
    bystanders: Bystanders = Bystanders(),
    counters: Counters = Counters(),
    trust: Trust = Trust()
  ) {
    self.identity = identity
    self.guest = guest
    self.load = load
    self.found = found
    self.sideEffects = sideEffects
    self.lock = lock
    self.speed = speed
    self.delivery = delivery
    self.bystanders = bystanders
    self.counters = counters
    self.trust = trust
  }
}
