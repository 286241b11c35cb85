import Experiments
import Foundation
import Hinting
import Testing

/// What a run prints and writes.
@Suite struct RunTests {
  @Test func aQuickRunWritesTheFilesOfTheContract() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["run", "--quick", "--repetitions", "1", "--out", "run"], in: folder)
      #expect(result.status == 0, "\(result)")
      // Standard error is no terminal: no progress bar, no carriage return, no escape.
      #expect(result.complaints.isEmpty, "\(result)")
      #expect(!result.err.contains("\r") && !result.err.contains("\u{1B}"))
      #expect(result.outLines.last == "Files: run")
      #expect(!result.out.contains("\u{1B}") && !result.out.contains("\r"))
      for entry in Strategies.all {
        #expect(result.outLines.count { $0.hasPrefix(entry.card.name) } >= 2, "\(entry.card.name) in \(result.out)")
      }

      #expect(Folder.names(folder + "/run") == RunFiles.names)
      let keys = try RunFolderCheck.expectValid(folder + "/run", "quick")
      #expect(keys.count == 2 * Strategies.all.count)
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      #expect(runs.header == Self.contract)
      #expect(Set(runs.column("state")) == ["fresh", "aged"])
      #expect(Set(runs.column("outcome")).isSubset(of: ["complete", "limit"]))
      #expect(
        try RunFiles.table(folder + "/run/lock_holds.csv")?.header
          == ["run_id", "cell_id", "repetition", "phase", "kind", "upper_ns", "count"])
      let cells = try #require(try RunFiles.table(folder + "/run/cells.csv"))
      #expect(cells.rows.count == 2 * Strategies.all.count)
      for name in ["limit_ns_per_block", "ns_per_block_to_limit", "hold_limit_verdict", "lock_hold_ns_max_own"] {
        #expect(cells.header.contains(name))
      }
      let zones = try #require(try RunFiles.table(folder + "/run/zones.csv"))
      #expect(zones.header.starts(with: ["run_id", "cell_id", "repetition", "node", "host_node", "zone"]))
      for text in [runs, cells, zones].flatMap({ $0.rows.flatMap { $0 } }) {
        #expect(!["nan", "inf", "-nan", "nil", "Optional"].contains { text.lowercased().contains($0) }, "\(text)")
      }
      try expectMeta(folder + "/run")
    }
  }

  private func expectMeta(_ run: String) throws {
    let meta = try RunFiles.meta(run)
    for key in [
      "schema_version", "run_id", "command_line", "config", "seed", "build_mode", "host", "limits", "unavailable",
      "errors", "guests", "started", "finished",
    ] {
      #expect(meta[key] != nil, "\(key)")
    }
    #expect(
      (meta["command_line"] as? [String])?.dropFirst() == ["run", "--quick", "--repetitions", "1", "--out", "run"])
    #expect((meta["errors"] as? [Any])?.isEmpty == true)
    #expect((meta["guests"] as? [Any])?.count == 2)
    // Whatever is empty in every row has a reason.
    let reasons = (meta["unavailable"] as? [[String: Any]] ?? []).compactMap { $0["why"] as? String }
    let counters = try RunFiles.table(run + "/runs.csv")?.column("cycles") ?? []
    #expect(counters.contains { !$0.isEmpty } || reasons.contains { !$0.isEmpty })
  }

  /// The header of runs.csv at schema_version 4, as the contract has it.
  static let contract = """
    run_id cell_id time commit branch host experiment strategy repetition seed
    guest_bytes nodes cpus zones granule_order vmemmap_page_bytes lock_kind page_init state
    list_order list_adjacent free_fraction bytes_free order budget buffer_bytes
    load mutators oversubscribed cache host_ack_ns scan_cpu scan_node memory_node
    outcome blocks_free blocks_reported blocks_duplicate blocks_missed blocks_stale bytes_reported
    coverage coverage_free restarts
    blocks_withheld_max withheld_byte_seconds bytes_free_min
    lock_acquisitions items_per_hold_max lock_hold_ns_mean lock_hold_ns_p50 lock_hold_ns_p99
    lock_hold_ns_p999 lock_hold_ns_max lock_hold_ns_total lock_wait_ns_p99 lock_wait_ns_max
    scan_ns ms_per_tib ns_per_block blocks_per_second gib_per_second guest_cpu_ns return_ns
    buffer_alloc_ns buffer_free_ns page_init_ns
    kicks descriptors
    mutator_ops_per_second mutator_alloc_ns_p50 mutator_alloc_ns_p99 mutator_alloc_ns_p999
    mutator_alloc_ns_max mutator_irqoff_ns_p99 mutator_irqoff_ns_p999 mutator_irqoff_ns_max
    mutator_wait_ns_total mutator_alloc_failed
    cycles instructions l1d_misses l2_misses llc_misses dtlb_misses counters_source
    noise_ns_p999 noise_ns_max involuntary_switches minor_faults steal_ns
    experiment_options
    lock_hold_ns_max_undisturbed lock_holds_preempted lock_hold_ns_weighted_mean lock_arrival_wait_ns
    run_delay_ns kernel_rules source
    lock_hold_instructions_p50 lock_hold_instructions_max lock_hold_instructions_total return_instructions
    coverage_unused bytes_pcp watermarks page_bytes
    """.split { $0 == " " || $0 == "\n" }.map(String.init)

  /// A terminal, of which the program holds one end and the test the other.
  @Test func progressGoesToATerminal() throws {
    try Tool.withFolder { folder in
      // TIOCSPTLCK and TIOCGPTN: what unlockpt(3) and ptsname(3), which Glibc's module leaves out, are made of.
      let main = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      var lock: Int32 = 0
      var number: UInt32 = 0
      guard main >= 0, ioctl(main, 0x4004_5431, &lock) == 0, ioctl(main, 0x8004_5430, &number) == 0 else {
        try Test.cancel("this machine has no pseudo-terminals")
      }
      defer { close(main) }
      let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      try #require(other >= 0)
      let call = try Tool.start(
        OutputFolderTests.small + ["--out", "run"], in: folder,
        standardError: FileHandle(fileDescriptor: other, closeOnDealloc: true))
      var shown: [UInt8] = []
      _ = fcntl(main, F_SETFL, O_NONBLOCK)
      func drain() {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(main, &chunk, chunk.count), count > 0 { shown += chunk[..<count] }
      }
      while call.isRunning {
        drain()
        usleep(2000)
      }
      drain()
      let result = try call.end()
      #expect(result.status == 0, "\(result)")
      let text = String(decoding: shown, as: UTF8.self)
      #expect(text.contains("\r[") && text.contains("/6"), "\(text)")
      #expect(text.hasSuffix("\r\u{1B}[K"), "the bar is taken away at the end")
      #expect(!result.out.contains("\r"))
    }
  }

  @Test func aDryRunPrintsThePlanAndWritesNothing() throws {
    try Tool.withFolder { folder in
      for arguments in [
        ["--quick"], [], ["--guest", "128M,256M", "--strategy", "budgeted-resume:budget=1/10/100"], ["--out", "made"],
      ] {
        let result = try Tool.run(["run", "--dry-run"] + arguments, in: folder, allowDebug: false)
        #expect(result.status == 0, "\(result)")
        #expect(result.err.isEmpty, "\(result)")
        #expect(result.out.contains("estimated time: "), "\(result)")
        #expect(result.out.contains("estimated host memory: "), "\(result)")
        #expect(Folder.names(folder).isEmpty, "\(result)")
        let cells = try #require(result.outLines.first { $0.contains(" repetitions = ") }).prefix { $0 != " " }
        #expect(Self.cellIDs(result.out).count == Int(cells), "\(result)")
      }
      let sweep = try Tool.run(
        "run --dry-run --guest 128M,256M --strategy budgeted-resume:budget=1/10/100", in: folder)
      #expect(sweep.out.contains("16 cells x 5 repetitions = 80"), "\(sweep)")
    }
  }

  /// Repetitions are added until the strategies are told apart: of these two one takes thousands of times as long.
  @Test func aRunUntilDecidedEndsWithTheComparison() throws {
    try Tool.withFolder { folder in
      let words =
        "run --guest 256M --state fresh --granule 0 --vmemmap 4k --cache warm --counters off --strategy "
        + "step-iterator,alloc-max-order,allocator:pages=64 --until decided --time-limit 120s --out run"
      let result = try Tool.run(words, in: folder)
      // A busy machine may leave the longest holds undecided when the time is up.
      #expect([0, 3].contains(result.status), "\(result)")
      #expect(
        result.out.contains("alloc-max-order:reserve=0:node=any:stop=keep:shrinker=on:ack=none against step-iterator:"),
        "\(result)")
      #expect(result.out.contains("Samples: ") && !result.out.contains("unfinished"), "\(result)")
      let meta = try RunFiles.meta(folder + "/run")
      let config = try #require(meta["config"] as? [String: Any])
      let planned = try #require(config["repetitions"] as? Int)
      #expect(config["until"] as? String == "decided" && [10, 20, 40, 80, 160, 320].contains(planned), "\(planned)")
      let keys = try RunFolderCheck.expectValid(folder + "/run", "until decided")
      #expect(keys.count <= 3 * planned && keys.count > 3 * planned / 2 - 1)
      if result.status == 0 { #expect(meta["finished"] != nil && keys.count == 3 * planned) }
    }
  }

  /// What earlier runs took corrects the estimate: here one that is made to have taken three minutes.
  @Test func anEstimateLearnsFromEarlierRuns() throws {
    try Tool.withFolder { folder in
      let words = OutputFolderTests.small
      func estimate() throws -> String {
        let result = try Tool.run(words + ["--dry-run"], in: folder)
        return try #require(result.outLines.first { $0.hasPrefix("estimated time: ") }, "\(result)")
      }
      #expect(try !estimate().contains("earlier"))
      let made = try Tool.run(words + ["--out", "Reports/runs/20260101-000000-test"], in: folder)
      #expect(made.status == 0, "\(made)")
      let path = folder + "/Reports/runs/20260101-000000-test/meta.json"
      var meta = try RunFiles.meta(folder + "/Reports/runs/20260101-000000-test")
      meta["started"] = "2026-01-01T00:00:00Z"
      meta["finished"] = "2026-01-01T00:03:00Z"
      try JSONSerialization.data(withJSONObject: meta).write(to: URL(fileURLWithPath: path))
      // At most four times as long.
      let learned = try estimate()
      #expect(learned.hasSuffix("(as 1 earlier run here took 4 times the model's estimate)"), "\(learned)")
      // Another experiment has no earlier run, and a broken one is passed over.
      let other = try Tool.run("run page-states --dry-run", in: folder)
      #expect(other.status == 0 && !other.out.contains("earlier"), "\(other)")
      try Folder.write("{", to: path)
      #expect(try !estimate().contains("earlier"))
    }
  }

  static func cellIDs(_ text: String) -> [String] {
    text.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
      .filter { $0.count == 16 && $0.allSatisfy(\.isHexDigit) }
  }

  @Test func theConfigOfARunGivesItsCellsAgain() throws {
    try Tool.withFolder { folder in
      let words = [
        "run", "--guest", "128M", "--strategy", "none,budgeted-resume:budget=7/70,allocator:pages=64", "--free", "0.4",
        "--order",
        "native",
        "--lock", "test-and-set", "--repetitions", "1", "--cache", "warm", "--page-init", "alloc", "--seed", "9",
      ]
      let planned = Self.cellIDs(try Tool.run(words + ["--dry-run"], in: folder).out)
      #expect(planned.count == 4)
      #expect(try Tool.run(words + ["--out", "run"], in: folder).status == 0)
      let config = try #require(try RunFiles.meta(folder + "/run")["config"])
      try JSONSerialization.data(withJSONObject: config).write(to: URL(fileURLWithPath: folder + "/config.json"))
      let again = try Tool.run(["run", "--config", "config.json", "--out", "again"], in: folder)
      #expect(again.status == 0, "\(again)")
      for run in ["run", "again"] {
        let table = try #require(try RunFiles.table(folder + "/" + run + "/runs.csv"))
        #expect(table.column("cell_id").sorted() == planned.sorted(), "\(run)")
        #expect(Set(table.column("seed")) == ["9"])
      }
      let metas = try ["run", "again"].map { try RunFiles.meta(folder + "/" + $0)["config"] as? NSDictionary }
      #expect(metas[0] != nil && metas[0] == metas[1])
    }
  }

  @Test func aKernelsListsAreARunsGuest() throws {
    try Tool.withFolder { folder in
      let orders = (0...10).map { order in
        "free order=\(order) nr_free=\(order == 10 ? 3 : 0)\n"
          + (order == 10 ? "list order=10 type=1 3072 1024 4096\n" : "")
      }.joined()
      try Folder.write(
        "zone node=0 name=Normal start=0 spanned=8192 present=8192 managed=8192 min=1 low=2 high=3 boost=0 highatomic=0 "
          + "nr_free_pages=3072\n" + orders + "pageblocks order=9 start=0 1*16\n", to: folder + "/lists")
      let words = ["run", "--lists", "lists", "--strategy", "none", "--repetitions", "1", "--cache", "warm"]
      // 3072, 1024, 4096 have no neighbour that follows; in address order 4096 follows 3072.
      for (order, adjacent) in [("captured", 0.0), ("ascending", 0.5)] {
        let more = order == "captured" ? [] : ["--list-order", order]
        let result = try Tool.run(words + more + ["--out", "run" + order], in: folder)
        #expect(result.status == 0, "\(result)")
        let runs = try #require(try RunFiles.table(folder + "/run\(order)/runs.csv"))
        #expect(Set(runs.column("list_order")) == [order])
        #expect(runs.column("list_adjacent").map(Double.init) == [adjacent, adjacent])
        #expect(Set(runs.column("blocks_free")) == ["3"] && Set(runs.column("state")) == ["captured"])
      }
    }
  }

  @Test(
    .enabled(
      if: FileManager.default.isReadableFile(atPath: "/proc/buddyinfo"), "this machine's kernel has no /proc/buddyinfo")
  )
  func aCaptureOfThisMachineIsARunsGuest() throws {
    try Tool.withFolder { folder in
      let taken = try Tool.run(["capture", "taken/here"], in: folder, allowDebug: false)
      #expect(taken.status == 0, "\(taken)")
      let names = Folder.names(folder + "/taken/here")
      #expect(names.contains("buddyinfo.txt"))
      for name in names { #expect(taken.out.contains("taken/here/" + name), "\(taken)") }
      for name in ["buddyinfo", "pagetypeinfo", "zoneinfo"] where !names.contains(name + ".txt") {
        #expect(taken.out.contains("skipped: \(name).txt"), "\(taken)")
      }
      let text = try String(contentsOfFile: folder + "/taken/here/buddyinfo.txt", encoding: .utf8)

      for (order, companions) in [("9", false), ("10", true)] {
        var words = ["run", "--buddyinfo", "taken/here/buddyinfo.txt", "--strategy", "none", "--order", order]
        if companions {
          for name in ["pagetypeinfo", "zoneinfo"] where names.contains(name + ".txt") {
            words += ["--\(name)", "taken/here/\(name).txt"]
          }
        }
        words += ["--repetitions", "1", "--cache", "warm", "--vmemmap", "4k", "--out", "run" + order]
        let result = try Tool.run(words, in: folder)
        if result.status == 69 { try Test.cancel("no memory for this machine's own capture") }
        #expect(result.status == 0, "\(result)")
        let runs = try #require(try RunFiles.table(folder + "/run\(order)/runs.csv"))
        // With zoneinfo the allocator's own row stands beside it.
        #expect((1...2).contains(runs.rows.count) && Set(runs.column("state")) == ["captured"])
        let sum = "\(Captures.blocks(text, fromOrder: Int(order) ?? 0))"
        #expect(Set(runs.column("blocks_free")) == [sum], "\(text)")
      }
      // Taken once: what is there isn't written over.
      let before = Folder.contents(folder)
      let again = try Tool.run(["capture", "taken/here"], in: folder)
      #expect(again.status == 74 && again.complaints.count == 1, "\(again)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func blocksFreeOfACaptureIsItsOwnSum() throws {
    try Tool.withFolder { folder in
      try Folder.write(Captures.debian, to: folder + "/buddyinfo")
      for order in [0, 9, 10] {
        let words =
          "run --buddyinfo buddyinfo --strategy none,budgeted-resume --order \(order) --repetitions 1 --cache warm "
          + "--vmemmap 4k --out run\(order)"
        let result = try Tool.run(words, in: folder)
        #expect(result.status == 0, "\(result)")
        let runs = try #require(try RunFiles.table(folder + "/run\(order)/runs.csv"))
        let sum = "\(Captures.blocks(Captures.debian, fromOrder: order))"
        // The strategies and the allocator itself.
        #expect(runs.column("blocks_free") == [sum, sum, sum])
        #expect(runs.column("blocks_reported").sorted() == ["0", "0", sum])
      }
    }
  }

  @Test func aCaptureFolderThatCannotBeMadeIsAnIOError() throws {
    try Tool.withFolder { folder in
      try Folder.write("mine", to: folder + "/file")
      for path in ["file/below", "/proc/hintbench", "/dev/full/x"] {
        let result = try Tool.run(["capture", path], in: folder)
        #expect(result.status == 74, "\(result)")
        #expect(result.complaints.count == 1, "\(result)")
        #expect(Folder.names(folder) == ["file"])
      }
      #expect(try Tool.run(["capture"], in: folder).status == 64)
    }
  }

  /// What the check lets through the system may still refuse.
  @Test(.disabled(if: Tool.isSanitized, "a sanitizer needs terabytes of address space of its own"))
  func addressSpaceThatIsNotThereIsSaidToBeMissing() throws {
    try Tool.withFolder { folder in
      let words = "run --guest 1T --granule 0 --vmemmap 4k --state fresh --strategy none --out run"
      let result = try Tool.run(
        words.split(separator: " ").map(String.init), in: folder, shell: "ulimit -v 8000000; exec \"$@\"")
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("address space"), "\(result)")
      #expect(try RunFolderCheck.expectValid(folder + "/run", "refused").isEmpty)
    }
  }

  /// With so little address space that trying would fail another way.
  @Test(.disabled(if: Tool.isSanitized, "a sanitizer needs terabytes of address space of its own"))
  func aGuestTooLargeIsRefusedBeforeAnythingIsAllocated() throws {
    try Tool.withFolder { folder in
      for words in [
        "--guest 4P --granule 0 --vmemmap 2m", "--guest 128M,4P --granule 0 --vmemmap 4k --strategy alloc-max-order",
        "--guest 4P --granule 0 --load order0",
      ] {
        for rest in [[], ["--dry-run"], ["--out", "made"]] {
          let arguments = ["run"] + words.split(separator: " ").map(String.init) + rest
          let result = try Tool.run(arguments, in: folder, shell: "ulimit -v 4000000; exec \"$@\"")
          #expect(result.status == 69, "\(result)")
          #expect(result.complaints.count == 1, "\(result)")
          // Needed, and there.
          #expect(
            result.err.contains(/needs \d+(\.\d)?T of host memory .*and \d+(\.\d)?[KMGT] are available/), "\(result)")
          #expect(Folder.names(folder).isEmpty, "\(result)")
        }
      }
    }
  }
}
