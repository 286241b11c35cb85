import Bench
import GuestMemory
import Records

/// Published migrations, run under their conditions by `--preset`.
public enum MigrationPreset {
  /// LKML, June 2018: the cover letter of "Virtio-balloon: support free page reporting", v33.
  public static let v33 = PublishedMigration(
    name: "v33", source: "cover letter of v33, June 2018",
    machine: "Xeon E5-2699 v4, 8 GiB guest, 4 vCPUs, migrate_set_speed 100G, downtime 2 s, means of 10 runs",
    guestBytes: 8 << 30, cpus: 4, bandwidth: 100 << 30, downtimeLimit: 2e9, strategy: "free-list-fixed-buffer",
    figures: [
      PublishedMigration.Figure(load: MutatorLoad.none.rawValue, published: "idle", withHints: 278e6, without: 1757e6),
      PublishedMigration.Figure(
        load: MutatorLoad.compile.rawValue, published: "make bzImage -j4", withHints: 1408e6, without: 2528e6),
    ],
    differences: [
      "theirs had a Linux that had booted, with an unstated share of its memory in use; ours is fresh, 2 % in use, and "
        + "what is free was never written",
      "theirs sent to another QEMU at an unstated rate, 100 GiB/s at most; ours hands pages to a Unix socket, or takes "
        + "what that was measured to take (send_ns)",
      "theirs compiled a kernel on four CPUs; ours is a profile of allocations and writes at a set rate (virtual "
        + "clock) or by as many threads as there are spare CPUs (real clock)",
      "KVM's dirty log, and what the guest pays for it, is in theirs only",
    ])

  public static let all = [v33]

  /// The configuration with the published guest, loads and limits, for every strategy that the host can ask for hints,
  /// and without hints.
  public static func config(_ preset: PublishedMigration) -> RunConfig {
    var group = RunConfig.Group()
    group.guests = ["\(ByteSize(bytes: preset.guestBytes))"]
    group.states = ["fresh"]
    // The nearest to the kernels of the publication.
    group.kernels = [KernelVersion.linux61.rawValue]
    group.cpus = preset.cpus
    group.strategies = MigrationExperiment.strategies
    group.experimentOptions = [
      "load": preset.figures.map(\.load), "bandwidth": ["\(ByteSize(bytes: preset.bandwidth))"],
      "downtime-limit": ["\(TimeSpan(nanoseconds: preset.downtimeLimit))"],
    ]
    var config = RunConfig()
    config.experiments = [MigrationExperiment.card.name]
    config.groups = [group]
    return config
  }
}
