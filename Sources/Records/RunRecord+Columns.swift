extension RunRecord: TabularRecord {
  /// `runs.csv`.
  public static var fileName: String { "runs.csv" }

  /// A record without values.
  public static var blank: RunRecord { RunRecord() }

  /// Every column of `runs.csv` in order, each declared only here.
  public static let columns: [Column<RunRecord>] =
    [
      identityColumns,
      guestColumns,
      loadColumns,
      foundColumns,
      sideEffectsColumns,
      lockColumns,
      speedColumns,
      deliveryColumns,
      bystandersColumns,
      countersColumns,
      trustColumns,
      laterColumns,
    ].flatMap { $0 }

  private static let identityColumns: [Column<RunRecord>] = [
    Column(
      "run_id", \.identity.runID,
      meaning: "The run this row belongs to."),
    Column(
      "cell_id", \.identity.cellID,
      meaning: "Hash of the declared dimensions of experiment, guest and strategy; comparisons match on it."),
    Column(
      "time", \.identity.time,
      meaning: "When the repetition was made, ISO 8601 UTC, to the second."),
    Column(
      "commit", \.identity.commit,
      meaning: "Commit of the source this was measured with."),
    Column(
      "branch", \.identity.branch,
      meaning: "Branch of the source this was measured with."),
    Column(
      "host", \.identity.host,
      meaning: "Name of the measuring machine."),
    Column(
      "experiment", \.identity.experiment,
      meaning: "Name of the experiment."),
    Column(
      "strategy", \.identity.strategy,
      meaning: "Full name of the strategy, options included."),
    Column(
      "repetition", \.identity.repetition,
      meaning: "Number of the repetition within its cell."),
    Column(
      "seed", \.identity.seed,
      meaning: "Seed of everything random in the repetition."),
  ]

  /// Columns added after a schema_version was fixed; they come last.
  private static let laterColumns: [Column<RunRecord>] = [
    Column(
      "experiment_options", \.identity.experimentOptions,
      meaning: "Values of the experiment's options, OPTION=VALUE with colons between.", since: 3),
    Column(
      "lock_hold_ns_max_undisturbed", unit: "ns", direction: .lowerIsBetter, isPrimary: true,
      \.lock.holdNsMaxUndisturbed,
      meaning: "Longest hold without preempted ones; with them if the host can't tell (lock_holds_preempted is empty). "
        + "Empty if a preempted hold looked at more entries than every other.", since: 4),
    Column(
      "lock_holds_preempted", \.lock.holdsPreempted,
      meaning: "Holds in which the kernel took the thread off its CPU, moved it or gave it a signal.", since: 4),
    Column(
      "lock_hold_ns_weighted_mean", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.holdNsWeightedMean,
      meaning: "Mean hold weighted by its length: how long the hold is that a random moment under the lock falls into.",
      since: 4),
    Column(
      "lock_arrival_wait_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.arrivalWaitNs,
      meaning:
        "Expected wait of a CPU that wants the lock at a random moment of the session, as if all zones had one lock: "
        + "half the sum of the holds' squares over the session's length. From the pass with the probe.", since: 4),
    Column(
      "run_delay_ns", unit: "ns", direction: .lowerIsBetter, \.trust.runDelayNs,
      meaning: "Time in which the strategy's thread could have run and waited for a CPU, in both passes "
        + "(/proc/thread-self/schedstat).", since: 5),
    Column(
      "kernel_rules", \.guest.kernelRules,
      meaning:
        "Kernel whose allocator's rules the guest follows: of a model the rule set, of a real kernel its release.",
      since: 6),
    Column(
      "source", \.guest.source,
      meaning: "What ran the strategies: model, or a real kernel: native (User Mode Linux), icount (QEMU, counting "
        + "instructions), emulation (QEMU), kvm or host.", since: 6),
    Column(
      "lock_hold_instructions_p50", unit: "instructions", direction: .lowerIsBetter, \.lock.holdInstructionsP50,
      meaning: "Median hold in instructions, the cost of two clock reads included; of icount alone.", since: 7),
    Column(
      "lock_hold_instructions_max", unit: "instructions", direction: .lowerIsBetter, \.lock.holdInstructionsMax,
      meaning: "Longest hold in instructions.", since: 7),
    Column(
      "lock_hold_instructions_total", unit: "instructions", direction: .lowerIsBetter, \.lock.holdInstructionsTotal,
      meaning: "Instructions of all holds together.", since: 7),
    Column(
      "return_instructions", unit: "instructions", direction: .lowerIsBetter, \.counters.returnInstructions,
      meaning: "Instructions to give taken blocks back; of icount, where instructions doesn't include them.", since: 7),
    Column(
      "coverage_unused", unit: "share", direction: .higherIsBetter, isPrimary: true, \.found.coverageUnused,
      meaning: "Distinct bytes reported over all bytes that nobody used at the start: bytes_free, and what was on "
        + "per-CPU lists.", since: 8),
    Column(
      "bytes_pcp", unit: "bytes", direction: .lowerIsBetter, \.found.bytesPCP,
      meaning: "Memory on the CPUs' per-CPU lists at the end of the session or window, where no strategy and neither "
        + "MemFree nor buddyinfo sees it; of a real kernel before the session.", since: 8),
    Column(
      "watermarks", \.guest.watermarks,
      meaning: "Where the zones' watermarks are from: captured (zoneinfo), computed (the kernel's formulas) or none "
        + "(nothing may be allocated); empty of a real kernel.", since: 11),
    Column(
      "page_bytes", unit: "bytes", \.guest.pageBytes,
      meaning: "Size of the guest's pages; empty of a real kernel.", since: 11),
  ]

  private static let guestColumns: [Column<RunRecord>] = [
    Column(
      "guest_bytes", unit: "bytes", \.guest.bytes,
      meaning: "Size of the guest."),
    Column(
      "nodes", unit: "nodes", \.guest.nodes,
      meaning: "NUMA nodes of the guest."),
    Column(
      "cpus", unit: "cpus", \.guest.cpus,
      meaning: "CPUs of the guest."),
    Column(
      "zones", unit: "zones", \.guest.zones,
      meaning: "Populated zones of the guest, all nodes."),
    Column(
      "granule_order", unit: "order", \.guest.granuleOrder,
      meaning: "One struct page for each 2^order pages; above 0 walking times are lower bounds."),
    Column(
      "vmemmap_page_bytes", unit: "bytes", \.guest.vmemmapPageBytes,
      meaning: "Page size the vmemmap is mapped with."),
    Column(
      "lock_kind", \.guest.lockKind,
      meaning: "Kind of the zone lock: queued or test-and-set."),
    Column(
      "page_init", \.guest.pageInit,
      meaning: "When pages are zeroed: none, alloc or free."),
    Column(
      "state", \.guest.state,
      meaning:
        "Initial state of the guest: fresh, aged, aged:PROFILE, captured, captured:NAME of a series, or running (this machine's own kernel)."
    ),
    Column(
      "list_order", \.guest.listOrder,
      meaning: "Order of the free lists: ascending, churned or shuffled; captured: as a kernel had them."),
    Column(
      "list_adjacent", unit: "share", \.guest.listAdjacent,
      meaning: "Share of next pointers that lead to the neighbouring block, measured."),
    Column(
      "free_fraction", unit: "share", \.guest.freeFraction,
      meaning: "Free memory over all memory at the start, measured."),
    Column(
      "bytes_free", unit: "bytes", \.guest.bytesFree,
      meaning: "All free memory at the start, every order and zone."),
    Column(
      "order", unit: "order", \.guest.order,
      meaning: "Lowest order looked at."),
    Column(
      "budget", unit: "blocks", \.guest.budget,
      meaning: "Most blocks looked at in one hold; empty if the strategy has no budget."),
    Column(
      "buffer_bytes", unit: "bytes", \.guest.bufferBytes,
      meaning: "Memory the strategy holds for its buffers."),
  ]

  private static let loadColumns: [Column<RunRecord>] = [
    Column(
      "load", \.load.kind,
      meaning: "Load of the mutators: none, order0, thp, mixed, faults or compile."),
    Column(
      "mutators", unit: "threads", \.load.mutators,
      meaning: "Threads that allocate and free while the strategy runs."),
    Column(
      "oversubscribed", \.load.oversubscribed,
      meaning: "More measured threads than CPUs: kept, but excluded from verdicts."),
    Column(
      "cache", \.load.cache,
      meaning: "State of the caches at the start: cold or warm."),
    Column(
      "host_ack_ns", unit: "ns", \.load.hostAckNs,
      meaning: "Time the host takes to acknowledge a report; a setting."),
    Column(
      "scan_cpu", \.load.scanCPU,
      meaning: "Host CPU of the strategy's thread; empty with several scanners."),
    Column(
      "scan_node", \.load.scanNode,
      meaning: "Host node of the strategy's thread; empty with scanners on several."),
    Column(
      "memory_node", \.load.memoryNode,
      meaning: "Host node of the guest's memory; empty if several."),
  ]

  private static let foundColumns: [Column<RunRecord>] = [
    Column(
      "outcome", \.found.outcome,
      meaning: "How the session ended: complete, limit (the strategy reached its own cap), no-buffer, stopped or error."
    ),
    Column(
      "blocks_free", unit: "blocks", \.found.blocksFree,
      meaning: "Free at the start at orders >= order, all zones and migratetypes, reachable or not."),
    Column(
      "blocks_reported", unit: "blocks", \.found.blocksReported,
      meaning: "Blocks reported."),
    Column(
      "blocks_duplicate", unit: "blocks", direction: .lowerIsBetter, \.found.blocksDuplicate,
      meaning: "Reports of blocks that had been reported before."),
    Column(
      "blocks_missed", unit: "blocks", direction: .lowerIsBetter, \.found.blocksMissed,
      meaning: "Blocks that stayed free throughout and were never reported."),
    Column(
      "blocks_stale", unit: "blocks", direction: .lowerIsBetter, \.found.blocksStale,
      meaning: "Distinct reported blocks no longer wholly free when the session ended."),
    Column(
      "bytes_reported", unit: "bytes", \.found.bytesReported,
      meaning: "Bytes reported, each counted once."),
    Column(
      "coverage", unit: "share", direction: .higherIsBetter, isPrimary: true, \.found.coverage,
      meaning: "Distinct bytes reported that were free at the start / bytes free then at orders >= order."),
    Column(
      "coverage_free", unit: "share", direction: .higherIsBetter, isPrimary: true, \.found.coverageFree,
      meaning: "Distinct bytes reported that were free at the start / all bytes on free lists then."),
    Column(
      "restarts", direction: .lowerIsBetter, \.found.restarts,
      meaning: "Restarts of a list."),
  ]

  private static let sideEffectsColumns: [Column<RunRecord>] = [
    Column(
      "blocks_withheld_max", unit: "blocks", direction: .lowerIsBetter, \.sideEffects.blocksWithheldMax,
      meaning: "Most memory held off the free lists at once, in blocks of the highest order, rounded up."),
    Column(
      "withheld_byte_seconds", unit: "byte seconds", direction: .lowerIsBetter, \.sideEffects.withheldByteSeconds,
      meaning: "Bytes held off the free lists, times how long."),
    Column(
      "bytes_free_min", unit: "bytes", direction: .higherIsBetter, \.sideEffects.bytesFreeMin,
      meaning: "Lowest free memory while the strategy ran."),
  ]

  private static let lockColumns: [Column<RunRecord>] = [
    Column(
      "lock_acquisitions", direction: .lowerIsBetter, \.lock.acquisitions,
      meaning: "Times a zone lock was taken."),
    Column(
      "items_per_hold_max", unit: "items", direction: .lowerIsBetter, \.lock.itemsPerHoldMax,
      meaning: "Most list entries looked at in one hold, emitted or skipped."),
    Column(
      "lock_hold_ns_mean", unit: "ns", direction: .lowerIsBetter, \.lock.holdNsMean,
      meaning: "Mean hold."),
    Column(
      "lock_hold_ns_p50", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.holdNsP50,
      meaning: "Median hold."),
    Column(
      "lock_hold_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.holdNsP99,
      meaning: "99th percentile of the holds."),
    Column(
      "lock_hold_ns_p999", unit: "ns", direction: .lowerIsBetter, \.lock.holdNsP999,
      meaning: "99.9th percentile of the holds."),
    Column(
      "lock_hold_ns_max", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.holdNsMax,
      meaning: "Longest single hold; mostly noise on a shared machine."),
    Column(
      "lock_hold_ns_total", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.holdNsTotal,
      meaning: "All holds together."),
    Column(
      "lock_wait_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lock.waitNsP99,
      meaning: "99th percentile of the waits for a zone lock."),
    Column(
      "lock_wait_ns_max", unit: "ns", direction: .lowerIsBetter, \.lock.waitNsMax,
      meaning: "Longest wait for a zone lock."),
  ]

  private static let speedColumns: [Column<RunRecord>] = [
    Column(
      "scan_ns", unit: "ns", direction: .lowerIsBetter, \.speed.scanNs,
      meaning: "From the session's start to the last hint accepted, without return_ns."),
    Column(
      "ms_per_tib", unit: "ms/TiB", direction: .lowerIsBetter, isPrimary: true, \.speed.msPerTiB,
      meaning: "Scan time for each TiB reported, each byte counted once."),
    Column(
      "ns_per_block", unit: "ns/block", direction: .lowerIsBetter, isPrimary: true, \.speed.nsPerBlock,
      meaning: "Scan time for each distinct block reported."),
    Column(
      "blocks_per_second", unit: "blocks/s", direction: .higherIsBetter, \.speed.blocksPerSecond,
      meaning: "Distinct blocks reported per second."),
    Column(
      "gib_per_second", unit: "GiB/s", direction: .higherIsBetter, \.speed.gibPerSecond,
      meaning: "Distinct bytes reported per second, as addresses."),
    Column(
      "guest_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.speed.guestCPUNs,
      meaning: "CPU time of the strategy's thread, return included."),
    Column(
      "return_ns", unit: "ns", direction: .lowerIsBetter, \.speed.returnNs,
      meaning: "Time to give taken blocks back."),
    Column(
      "buffer_alloc_ns", unit: "ns", direction: .lowerIsBetter, \.speed.bufferAllocNs,
      meaning: "Time to get the buffers."),
    Column(
      "buffer_free_ns", unit: "ns", direction: .lowerIsBetter, \.speed.bufferFreeNs,
      meaning: "Time to give the buffers back."),
    Column(
      "page_init_ns", unit: "ns", direction: .lowerIsBetter, \.speed.pageInitNs,
      meaning: "Zeroing of allocated pages, from the measured zeroing rate; never part of scan_ns."),
  ]

  private static let deliveryColumns: [Column<RunRecord>] = [
    Column(
      "kicks", direction: .lowerIsBetter, \.delivery.kicks,
      meaning: "Calls of virtqueue_kick(); a host that polls asks for no notification."),
    Column(
      "descriptors", direction: .lowerIsBetter, \.delivery.descriptors,
      meaning: "Virtqueue descriptors used."),
  ]

  private static let bystandersColumns: [Column<RunRecord>] = [
    Column(
      "mutator_ops_per_second", unit: "1/s", direction: .higherIsBetter, isPrimary: true, \.bystanders.opsPerSecond,
      meaning: "Successful allocations and frees per second; all mutators."),
    Column(
      "mutator_alloc_ns_p50", unit: "ns", direction: .lowerIsBetter, \.bystanders.allocNsP50,
      meaning: "Median allocation."),
    Column(
      "mutator_alloc_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.bystanders.allocNsP99,
      meaning: "99th percentile of the allocations."),
    Column(
      "mutator_alloc_ns_p999", unit: "ns", direction: .lowerIsBetter, \.bystanders.allocNsP999,
      meaning: "99.9th percentile of the allocations."),
    Column(
      "mutator_alloc_ns_max", unit: "ns", direction: .lowerIsBetter, \.bystanders.allocNsMax,
      meaning: "Longest allocation."),
    Column(
      "mutator_irqoff_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.bystanders.irqoffNsP99,
      meaning: "99th percentile of the mutators' irq-off times."),
    Column(
      "mutator_irqoff_ns_p999", unit: "ns", direction: .lowerIsBetter, \.bystanders.irqoffNsP999,
      meaning: "99.9th percentile of the mutators' irq-off times."),
    Column(
      "mutator_irqoff_ns_max", unit: "ns", direction: .lowerIsBetter, \.bystanders.irqoffNsMax,
      meaning: "Longest irq-off time of a mutator."),
    Column(
      "mutator_wait_ns_total", unit: "ns", direction: .lowerIsBetter, \.bystanders.waitNsTotal,
      meaning: "All waits for zone locks, all mutators."),
    Column(
      "mutator_alloc_failed", direction: .lowerIsBetter, \.bystanders.allocFailed,
      meaning: "Allocations that failed."),
  ]

  private static let countersColumns: [Column<RunRecord>] = [
    Column(
      "cycles", direction: .lowerIsBetter, \.counters.cycles,
      meaning: "CPU cycles of the strategy's thread in user mode, from the pass without a probe, as all counts."),
    Column(
      "instructions", direction: .lowerIsBetter, \.counters.instructions,
      meaning: "Instructions retired; if simulated, counted once per cell and repeated in each row."),
    Column(
      "l1d_misses", direction: .lowerIsBetter, \.counters.l1dMisses,
      meaning: "Level 1 data cache misses."),
    Column(
      "l2_misses", direction: .lowerIsBetter, \.counters.l2Misses,
      meaning: "Level 2 cache misses."),
    Column(
      "llc_misses", direction: .lowerIsBetter, \.counters.llcMisses,
      meaning: "Last-level cache misses; simulated: of data."),
    Column(
      "dtlb_misses", direction: .lowerIsBetter, \.counters.dtlbMisses,
      meaning: "Data TLB misses."),
    Column(
      "counters_source", \.counters.source,
      meaning: "What counted: papi, simulated or icount. Nothing is subtracted: meta.json has the cost of counting."),
  ]

  private static let trustColumns: [Column<RunRecord>] = [
    Column(
      "noise_ns_p999", unit: "ns", direction: .lowerIsBetter, \.trust.noiseNsP999,
      meaning: "99.9th percentile of empty intervals as long as the median hold; empty if no hold was timed."),
    Column(
      "noise_ns_max", unit: "ns", direction: .lowerIsBetter, \.trust.noiseNsMax,
      meaning: "Longest of the empty intervals."),
    Column(
      "involuntary_switches", direction: .lowerIsBetter, \.trust.involuntarySwitches,
      meaning: "Involuntary context switches of the measured threads (the strategy's and the load "
        + "threads) in all passes; above 0 the row is marked."),
    Column(
      "minor_faults", direction: .lowerIsBetter, \.trust.minorFaults,
      meaning: "Minor page faults of the measuring threads in all passes."),
    Column(
      "steal_ns", unit: "ns", direction: .lowerIsBetter, \.trust.stealNs,
      meaning: "Steal time of this machine in all passes."),
  ]
}
