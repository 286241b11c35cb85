import Foundation
import Records
import TestSupport
import Testing

@Suite("Columns of the CSV files")
struct ColumnTests {
  /// "Files of a run" of the strategy, word for word.
  static let runs = """
    run_id, cell_id, time, commit, branch, host, experiment, strategy, repetition, seed,
    guest_bytes, nodes, cpus, zones, granule_order, vmemmap_page_bytes, lock_kind, page_init, state,
    list_order, list_adjacent, free_fraction, bytes_free, order, budget, buffer_bytes,
    load, mutators, oversubscribed, cache, host_ack_ns, scan_cpu, scan_node, memory_node,
    outcome, blocks_free, blocks_reported, blocks_duplicate, blocks_missed, blocks_stale, bytes_reported,
    coverage, coverage_free, restarts,
    blocks_withheld_max, withheld_byte_seconds, bytes_free_min,
    lock_acquisitions, items_per_hold_max, lock_hold_ns_mean, lock_hold_ns_p50, lock_hold_ns_p99,
    lock_hold_ns_p999, lock_hold_ns_max, lock_hold_ns_total, lock_wait_ns_p99, lock_wait_ns_max,
    scan_ns, ms_per_tib, ns_per_block, blocks_per_second, gib_per_second, guest_cpu_ns, return_ns,
    buffer_alloc_ns, buffer_free_ns, page_init_ns,
    kicks, descriptors,
    mutator_ops_per_second, mutator_alloc_ns_p50, mutator_alloc_ns_p99, mutator_alloc_ns_p999,
    mutator_alloc_ns_max, mutator_irqoff_ns_p99, mutator_irqoff_ns_p999, mutator_irqoff_ns_max,
    mutator_wait_ns_total, mutator_alloc_failed,
    cycles, instructions, l1d_misses, l2_misses, llc_misses, dtlb_misses, counters_source,
    noise_ns_p999, noise_ns_max, involuntary_switches, minor_faults, steal_ns,
    experiment_options,
    lock_hold_ns_max_undisturbed, lock_holds_preempted, lock_hold_ns_weighted_mean, lock_arrival_wait_ns,
    run_delay_ns, kernel_rules, source,
    lock_hold_instructions_p50, lock_hold_instructions_max, lock_hold_instructions_total, return_instructions,
    coverage_unused, bytes_pcp, watermarks, page_bytes
    """

  static let zones = """
    run_id, cell_id, repetition, node, host_node, zone, blocks_free, blocks_reported, bytes_free, bytes_reported,
    coverage, lock_acquisitions, lock_hold_ns_p50, lock_hold_ns_p99, lock_hold_ns_max, lock_hold_ns_total, scan_ns,
    ns_per_block
    """

  static func names(_ text: String) -> [String] {
    text.split { $0 == "," || $0.isWhitespace }.map(String.init)
  }

  @Test("runs.csv has the columns of the design, in its order")
  func runsHeader() {
    #expect(RunRecord.columns.map(\.name) == Self.names(Self.runs))
  }

  @Test("zones.csv and lock_holds.csv have theirs")
  func sideHeaders() {
    #expect(ZoneRecord.columns.map(\.name) == Self.names(Self.zones))
    #expect(
      HoldBucketRecord.columns.map(\.name)
        == ["run_id", "cell_id", "repetition", "phase", "kind", "upper_ns", "count"])
  }

  @Test("cells.csv has five columns for each primary metric, what cells are judged by, and where they ran")
  func cellsHeader() {
    let primary = [
      "coverage", "coverage_free", "lock_hold_ns_p50", "lock_hold_ns_p99", "lock_hold_ns_max", "lock_hold_ns_total",
      "lock_wait_ns_p99", "ms_per_tib", "ns_per_block", "guest_cpu_ns", "mutator_ops_per_second",
      "mutator_alloc_ns_p99", "mutator_irqoff_ns_p99",
    ]
    let later = [
      "lock_hold_ns_max_undisturbed", "lock_hold_ns_weighted_mean", "lock_arrival_wait_ns", "coverage_unused",
    ]
    #expect(RunRecord.columns.filter(\.isPrimary).map(\.name) == primary + later)
    var names = [
      "run_id", "cell_id", "experiment", "strategy", "guest_bytes", "nodes", "state", "list_order", "granule_order",
      "vmemmap_page_bytes", "order", "load", "mutators", "oversubscribed", "repetitions",
    ]
    let parts = ["median", "lowest", "highest", "interval_low", "interval_high"]
    names += primary.flatMap { metric in parts.map { "\(metric)_\($0)" } }
    names += [
      "interval_confidence", "limit_ns_per_block", "ns_per_block_to_limit", "hold_limit_ns",
      "lock_hold_ns_max_repeatable", "within_hold_limit", "preempted_repetitions", "scan_node", "memory_node",
      "experiment_options",
    ]
    names += later.flatMap { metric in parts.map { "\(metric)_\($0)" } }
    names += [
      "hold_limit_judged", "hold_limit_exceeded", "hold_limit_exceeded_share_low", "hold_limit_exceeded_share_high",
      "hold_limit_verdict", "lock_hold_ns_max_own",
    ]
    #expect(CellRecord.columns.map(\.name) == names)
  }

  @Test("every column says what it means, no name comes twice, and a primary metric has a direction")
  func declarations() {
    #expect(Set(RunRecord.columns.map(\.name)).count == RunRecord.columns.count)
    for column in RunRecord.columns {
      #expect(!column.meaning.isEmpty && !column.meaning.contains("\n"))
      if column.isPrimary { #expect(column.direction != .none, "\(column.name)") }
    }
  }

  @Test("what wasn't measured is nil, not zero")
  func missing() {
    let run = RecordFixtures.run()
    let measured = RunRecord.columns.filter { $0.value(run) != nil }.map(\.name)
    #expect(
      Set(measured)
        == [
          "run_id", "cell_id", "time", "host", "experiment", "strategy", "repetition", "seed", "guest_bytes", "nodes",
          "cpus", "zones", "granule_order", "vmemmap_page_bytes", "lock_kind", "page_init", "state", "list_order",
          "load", "mutators", "oversubscribed", "cache", "outcome",
        ])
    #expect(Double.nan.columnText == nil)
    #expect(Double.infinity.columnText == nil)
  }

  @Test("each column reads back what it writes and touches no other")
  func roundTrip() {
    // Whatever the type, one of these texts fits it.
    let texts = ["1", "true", "limit", "2026-01-31T12:00:00Z", "x"]
    for column in RunRecord.columns {
      var run = RunRecord.blank
      let text = texts.first { column.read($0, &run) }
      #expect(column.value(run) == text, "\(column.name)")
      let changed = RunRecord.columns.filter { $0.value(run) != $0.value(.blank) }.map(\.name)
      #expect(changed == [column.name])
    }
    for column in CellRecord.columns {
      var cell = CellRecord.blank
      let text = ["1", "true", "beyond"].first { column.read($0, &cell) }
      #expect(column.value(cell) == text, "\(column.name)")
      let changed = CellRecord.columns.filter { $0.value(cell) != $0.value(.blank) }.map(\.name)
      #expect(changed == [column.name])
    }
  }

  @Test("an empty field is no value of a column that must have one, and neither is another text")
  func unreadable() throws {
    var run = RunRecord.blank
    let mutators = try #require(RunRecord.columns.first { $0.name == "mutators" })
    let scan = try #require(RunRecord.columns.first { $0.name == "scan_ns" })
    let outcome = try #require(RunRecord.columns.first { $0.name == "outcome" })
    #expect(!mutators.read(nil, &run))
    #expect(!mutators.read("1.5", &run))
    #expect(!scan.read("nan", &run))
    #expect(!scan.read("1,5", &run))
    #expect(scan.read(nil, &run))
    #expect(!outcome.read("done", &run))
  }

  @Test(
    "decimals: shortest, a point, no exponent",
    arguments: [
      (0, "0"), (-0.0, "0"), (1, "1"), (-2.5, "-2.5"), (0.1, "0.1"), (1e16, "10000000000000000"), (1e-7, "0.0000001"),
      (1.25e-5, "0.0000125"), (1.7e18, "1700000000000000000"), (123_456.789, "123456.789"), (1e15, "1000000000000000"),
      (2e-3, "0.002"), (9_007_199_254_740_992, "9007199254740992"),
    ] as [(Double, String)])
  func decimals(value: Double, text: String) {
    #expect(value.decimalText == text)
  }

  @Test("decimals read back to the same value")
  func decimalsRoundTrip() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var generator = RecordFixtures.Generator(state: seed)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let text = try #require(value.decimalText)
      #expect(Double(text) == value, "seed \(seed)")
      #expect(text.allSatisfy { "-.0123456789".contains($0) }, "seed \(seed): \(text)")
    }
    for value in [Double.leastNonzeroMagnitude, .greatestFiniteMagnitude, .pi] {
      #expect(value.decimalText.flatMap(Double.init) == value)
    }
  }
}
