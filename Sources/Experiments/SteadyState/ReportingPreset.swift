import Bench
import GuestMemory
import Records

/// Published grids of reporting, run under their conditions by `--preset`.
public enum ReportingPreset {
  private typealias Figure = PublishedReporting.Figure

  /// github.com/luhsra/hyperalloc-bench at a385a2d3652e: means of the six runs in its raw files.
  public static let hyperalloc = PublishedReporting(
    name: "hyperalloc", source: "hyperalloc-bench, clang build",
    machine:
      "2 x Xeon Gold 6252, QEMU/KVM guest of 16 GiB and 12 vCPUs, Linux 6.1 with parameters for order, delay and "
      + "capacity; resident memory of the host; means of 6 runs",
    guestBytes: 16 << 30, cpus: 12, kernel: KernelVersion.linux61.rawValue, load: MutatorLoad.build.rawValue,
    baseline: Figure(seconds: 2471, systemSeconds: 365, gibMinutes: 478, gibAfterIdle: 15.8),
    settings: [
      .init(
        order: 9, delay: 2000, capacity: 32,
        .init(seconds: 2474, systemSeconds: 407, gibMinutes: 435, gibAfterIdle: 12.7)),
      .init(
        order: 9, delay: 2000, capacity: 512,
        .init(seconds: 2470, systemSeconds: 361, gibMinutes: 431, gibAfterIdle: 12.6)),
      .init(
        order: 9, delay: 100, capacity: 32,
        .init(seconds: 2474, systemSeconds: 389, gibMinutes: 438, gibAfterIdle: 12.8)),
      .init(
        order: 9, delay: 100, capacity: 512,
        .init(seconds: 2468, systemSeconds: 376, gibMinutes: 435, gibAfterIdle: 12.8)),
      .init(
        order: 0, delay: 2000, capacity: 32,
        .init(seconds: 2918, systemSeconds: 3463, gibMinutes: 390, gibAfterIdle: 6.4)),
      .init(
        order: 0, delay: 2000, capacity: 512,
        .init(seconds: 2930, systemSeconds: 3413, gibMinutes: 379, gibAfterIdle: 6.3)),
      .init(
        order: 0, delay: 100, capacity: 32,
        .init(seconds: 3667, systemSeconds: 7702, gibMinutes: 449, gibAfterIdle: 6.6)),
      .init(
        order: 0, delay: 100, capacity: 512,
        .init(seconds: 3668, systemSeconds: 7113, gibMinutes: 442, gibAfterIdle: 6.4)),
    ],
    others: [
      ("HyperAlloc", .init(seconds: 2448, systemSeconds: 201, gibMinutes: 357, gibAfterIdle: 10.6)),
      ("virtio-mem", .init(seconds: 2470, systemSeconds: 373, gibMinutes: 484, gibAfterIdle: 15.3)),
    ],
    differences: [
      "theirs compiled clang for 41 minutes on twelve CPUs; ours is a profile of processes and page cache at a set rate "
        + "for five minutes of the virtual clock, so that GiB x minutes are of another length and means are to be compared",
      "theirs starts untouched and grows; ours has been up for a while: all of it is populated, and half of it becomes "
        + "free at the start",
      "their time has everything in it: exits, faults of the second level, locks, the reporter's own CPU; our cost is only "
        + "the first touches of what was taken, at this machine's cost of a page fault",
      "their host's resident memory has QEMU's own in it, and khugepaged joins pages again",
    ])

  public static let all = [hyperalloc]

  /// The configuration with the published guest and settings, by the virtual clock.
  public static func config(_ preset: PublishedReporting) -> RunConfig {
    var group = RunConfig.Group()
    group.guests = ["\(ByteSize(bytes: preset.guestBytes))"]
    group.states = ["fresh"]
    group.kernels = [preset.kernel]
    group.cpus = preset.cpus
    group.strategies = preset.settings.map(\.strategy)
    // The reporter and the process that exits are on the first CPU, users on the others.
    group.experimentOptions = [
      "clock": ["virtual"], "load": [preset.load], "mutators": ["\(preset.cpus - 1)"], "window": ["5m"],
      "mutator-rate": ["5000"],
    ]
    var config = RunConfig()
    config.experiments = [SteadyStateExperiment.card.name]
    config.groups = [group]
    config.repetitions = 1
    return config
  }
}
