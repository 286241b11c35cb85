/// A migration that was published with its figures: what `--preset` runs, and what the report shows beside ours.
///
/// A published figure is its authors' claim of their machine: something to compare with, never a goal to be met.
public struct PublishedMigration: Sendable {
  public let name: String
  /// Where it was published.
  public let source: String
  /// On what it was measured.
  public let machine: String
  public let guestBytes: UInt64
  public let cpus: Int
  /// What could be sent. Bytes a second.
  public let bandwidth: UInt64
  /// Nanoseconds.
  public let downtimeLimit: Double
  /// The strategy that was measured, by its name here.
  public let strategy: String
  public let figures: [Figure]
  /// In what a run here is another experiment than theirs.
  public let differences: [String]

  /// What was published of one load. Nanoseconds of the whole migration.
  public struct Figure: Sendable {
    public let load: String
    /// The load, in the words of the source.
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
