import GuestMemory
import Records

/// A migration that was published with its figures: what `--preset` runs, and what the report shows beside ours.
///
/// A published figure is its authors' claim of their machine: something to compare with, never a goal to be met.
public struct MigrationPreset: Sendable {
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
  /// The design that was measured, by its name here.
  public let strategy: String
  public let figures: [Figure]
  /// In what a run here is another experiment than theirs.
  public let differences: [String]

  /// What was published of one load. Nanoseconds of the whole migration.
  public struct Figure: Sendable {
    public let load: MutatorLoad
    /// The load, in the words of the source.
    public let published: String
    public let withHints: Double
    public let without: Double
  }

  /// LKML, June 2018: the cover letter of "Virtio-balloon: support free page reporting", v33.
  public static let v33 = MigrationPreset(
    name: "v33", source: "cover letter of v33, June 2018",
    machine: "Xeon E5-2699 v4, 8 GiB guest, 4 vCPUs, migrate_set_speed 100G, downtime 2 s, means of 10 runs",
    guestBytes: 8 << 30, cpus: 4, bandwidth: 100 << 30, downtimeLimit: 2e9, strategy: "free-list-fixed-buffer",
    figures: [
      Figure(load: .none, published: "idle", withHints: 278e6, without: 1757e6),
      Figure(load: .compile, published: "make bzImage -j4", withHints: 1408e6, without: 2528e6),
    ],
    differences: [
      "theirs had a Linux that had booted, with an unstated share of its memory in use; ours is fresh, 2 % in use, and "
        + "what is free was never written",
      "theirs sent to another QEMU at an unstated rate, 100 GiB/s at most; ours hands pages to a Unix socket, or takes "
        + "what that was measured to take (send_ns)",
      "theirs compiled a kernel on four CPUs; ours is a profile of allocations and writes at a set rate (virtual clock) "
        + "or by as many threads as there are CPUs left (real clock)",
      "KVM's dirty log, and what the guest pays for it, is in theirs only",
    ])

  public static let all = [v33]

  /// - Throws: ``MatrixError`` where there is none of this name.
  public static func named(_ name: String) throws(MatrixError) -> MigrationPreset {
    guard let preset = all.first(where: { $0.name == name }) else {
      throw .usage("unknown preset '\(name)'; there are: \(all.map(\.name).joined(separator: ", "))")
    }
    return preset
  }

  /// Its guest, loads and limits, with every design that the host can ask for hints, and without hints.
  public var config: RunConfig {
    var group = RunConfig.Group()
    group.guests = ["\(ByteSize(bytes: guestBytes))"]
    group.states = ["fresh"]
    group.cpus = cpus
    group.strategies = MigrationExperiment.strategies
    group.experimentOptions = [
      "load": figures.map(\.load.rawValue), "bandwidth": ["\(ByteSize(bytes: bandwidth))"],
      "downtime-limit": ["\(TimeSpan(nanoseconds: downtimeLimit))"],
    ]
    var config = RunConfig()
    config.experiments = [MigrationExperiment.card.name]
    config.groups = [group]
    return config
  }

  /// Whether a cell of `migration` was measured under its conditions, by columns of runs.csv and migration.csv.
  public func describes(_ run: RunRecord, bandwidth: Double, downtimeLimitNs: Double) -> Bool {
    run.guest.bytes == guestBytes && run.guest.cpus == cpus && run.guest.state == "fresh"
      && bandwidth == Double(self.bandwidth) && downtimeLimitNs == downtimeLimit
  }
}
