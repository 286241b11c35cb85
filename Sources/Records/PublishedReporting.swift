/// A grid of free page reporting published with its figures: `--preset` runs its settings, and the report shows both.
///
/// A published figure is its authors' claim about their machine: for comparison, never a target.
public struct PublishedReporting: Sendable {
  public let name: String
  /// Where it was published.
  public let source: String
  /// The machine it was measured on, and what it did there.
  public let machine: String
  public let guestBytes: UInt64
  public let cpus: Int
  /// The kernel of the guest, by its name here.
  public let kernel: String
  /// The load that stands for theirs here.
  public let load: String
  /// Without reporting.
  public let baseline: Figure
  public let settings: [Setting]
  /// Other ways to give memory back that were measured beside it, which have no counterpart here.
  public let others: [(name: String, figure: Figure)]
  /// How a run here differs from theirs.
  public let differences: [String]

  /// What was measured of one setting.
  public struct Figure: Sendable {
    /// The time of the job. Seconds.
    public let seconds: Double
    /// The guest's CPU time in the kernel. Seconds.
    public let systemSeconds: Double
    /// The host's resident memory, integrated over the job. GiB x minutes.
    public let gibMinutes: Double
    /// The host's resident memory after an idle time at its end. GiB.
    public let gibAfterIdle: Double

    public init(seconds: Double, systemSeconds: Double, gibMinutes: Double, gibAfterIdle: Double) {
      self.seconds = seconds
      self.systemSeconds = systemSeconds
      self.gibMinutes = gibMinutes
      self.gibAfterIdle = gibAfterIdle
    }

    /// The resident memory on average over the job. GiB.
    public var gibMean: Double { gibMinutes / (seconds / 60) }
  }

  /// A setting of reporting.
  public struct Setting: Sendable {
    public let order: Int
    /// Milliseconds.
    public let delay: Int
    public let capacity: Int
    public let figure: Figure

    public init(order: Int, delay: Int, capacity: Int, _ figure: Figure) {
      self.order = order
      self.delay = delay
      self.capacity = capacity
      self.figure = figure
    }

    /// The strategy here, without its other options.
    public var strategy: String { "page-reporting:order=\(order):delay=\(delay):capacity=\(capacity)" }

    /// Whether a strategy's full name is this setting.
    public func isSame(as fullName: String) -> Bool {
      Set(strategy.split(separator: ":")).isSubset(of: fullName.split(separator: ":"))
    }
  }

  public init(
    name: String, source: String, machine: String, guestBytes: UInt64, cpus: Int, kernel: String, load: String,
    baseline: Figure, settings: [Setting], others: [(name: String, figure: Figure)], differences: [String]
  ) {
    self.name = name
    self.source = source
    self.machine = machine
    self.guestBytes = guestBytes
    self.cpus = cpus
    self.kernel = kernel
    self.load = load
    self.baseline = baseline
    self.settings = settings
    self.others = others
    self.differences = differences
  }

  /// Whether a cell of `steady-state` was measured under its conditions.
  public func describes(_ run: RunRecord) -> Bool {
    run.guest.bytes == guestBytes && run.guest.cpus == cpus && run.guest.kernelRules == kernel && run.load.kind == load
  }
}
