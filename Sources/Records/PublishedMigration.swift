/// A migration published with its figures: `--preset` runs it, and the report shows it beside measured ones.
///
/// A published figure is its authors' claim about their machine: for comparison, never a target.
public struct PublishedMigration: Sendable {
  public let name: String
  /// Where it was published.
  public let source: String
  /// The machine it was measured on.
  public let machine: String
  public let guestBytes: UInt64
  public let cpus: Int
  /// The bandwidth. Bytes a second.
  public let bandwidth: UInt64
  /// The downtime limit. Nanoseconds.
  public let downtimeLimit: Double
  /// The measured strategy, by its name here.
  public let strategy: String
  public let figures: [Figure]
  /// How a run here differs from theirs.
  public let differences: [String]

  /// The published migration time of one load. Nanoseconds.
  public struct Figure: Sendable {
    public let load: String
    /// The load, as the source names it.
    public let published: String
    public let withHints: Double
    public let without: Double

    public init(load: String, published: String, withHints: Double, without: Double) {
      self.load = load
      self.published = published
      self.withHints = withHints
      self.without = without
    }
  }

  public init(
    name: String, source: String, machine: String, guestBytes: UInt64, cpus: Int, bandwidth: UInt64,
    downtimeLimit: Double, strategy: String, figures: [Figure], differences: [String]
  ) {
    self.name = name
    self.source = source
    self.machine = machine
    self.guestBytes = guestBytes
    self.cpus = cpus
    self.bandwidth = bandwidth
    self.downtimeLimit = downtimeLimit
    self.strategy = strategy
    self.figures = figures
    self.differences = differences
  }

  /// Whether a cell of `migration` was measured under its conditions, by columns of runs.csv and migration.csv.
  public func describes(_ run: RunRecord, bandwidth: Double, downtimeLimitNs: Double) -> Bool {
    run.guest.bytes == guestBytes && run.guest.cpus == cpus && run.guest.state == "fresh"
      && bandwidth == Double(self.bandwidth) && downtimeLimitNs == downtimeLimit
  }
}
