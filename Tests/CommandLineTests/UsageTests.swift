import Foundation
import Records
import Testing

/// Arguments that make no sense: 64, said in one clear line, and nothing written anywhere.
@Suite struct UsageTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var words: String
    /// What the line must say: what was wrong, and what was expected.
    var says: [String]
    var testDescription: String { words }

    init(_ words: String, _ says: String...) {
      self.words = words
      self.says = says
    }
  }

  static let unknown = [
    Case("--strategy nope", "unknown strategy 'nope'", "budgeted-resume"),
    Case("--strategy none,,none", "unknown strategy ''"),
    Case("--strategy none:", "expected OPTION=VALUE"),
    Case("--strategy none:budget=1", "unknown option 'budget' of strategy 'none'"),
    Case("--strategy budgeted-resume:nope=1", "unknown option 'nope'", "budget, restarts, check"),
    Case("--strategy budgeted-resume:budget=0", "'budget'", "invalid value '0'", "1..1000000"),
    Case("--strategy budgeted-resume:budget=1/x", "invalid value 'x'"),
    Case("--strategy budgeted-resume:budget=1/", "invalid value ''"),
    Case("--strategy budgeted-resume:budget=99999999999999999999", "invalid value '99999999999999999999'"),
    Case("--strategy budgeted-resume:budget=1:budget=2", "given twice"),
    Case("--strategy budgeted-resume:check=maybe", "buddy|null"),
    Case("--guest 128M --budget x", "invalid value 'x'"),
    Case("--guest 128M --strategy none --budget 5", "unknown option 'budget': no chosen strategy has it"),
    Case("--state stale", "invalid state 'stale'", "fresh, aged, aged:processes"),
    Case("--state captured", "invalid state 'captured'"),
    Case("--order 11", "invalid order '11'", "0 to 10, or native"),
    Case("--order=-1", "invalid order '-1'"),
    Case("--order high", "invalid order 'high'"),
    Case("--list-order sorted", "invalid list order 'sorted'", "ascending, churned, shuffled"),
    Case("--granule 10", "invalid granule order '10'", "0 to 9, or auto"),
    Case("--vmemmap 1g", "invalid vmemmap page size '1g'", "4k, 4k-filled, 2m or auto"),
    Case("--kernel 5.10", "invalid kernel '5.10'", "6.1, 6.12, mainline"),
    Case("--kernel 6.1,", "invalid kernel ''"),
    Case("--lists a --buddyinfo b", "--lists can't be combined with --buddyinfo"),
    Case("--lists a --guest 1G", "can't be combined with --lists"),
    Case("--lock ticket", "invalid lock 'ticket'", "queued, test-and-set"),
    Case("--page-init always", "'page-init'", "invalid value 'always'", "none|alloc|free"),
    Case("--cache hot", "'cache'", "invalid value 'hot'", "cold|warm"),
    Case("--load heavy", "'load'", "invalid value 'heavy'", "none|order0|thp|mixed"),
    Case("--counters some", "invalid counters 'some'", "auto, papi, simulated, off"),
    Case("nope", "unknown experiment 'nope'", "scan"),
    Case("scan,scan", "unknown experiment 'scan,scan'"),
  ]

  static let numbers = [
    Case("--repetitions 0", "invalid repetition count 0", "1 to 100000"),
    Case("--repetitions -1", "invalid repetition count -1", "1 to 100000"),
    Case("--repetitions=-1", "invalid repetition count -1"),
    Case("--repetitions 1000000000", "invalid repetition count 1000000000"),
    Case("--guest 0", "invalid size '0'", "8G or 1.5T"),
    Case("--guest -8G", "invalid size '-8G'"),
    Case("--guest 1K", "invalid guest size 1K", "128M to 4P"),
    Case("--guest 999999P", "invalid size '999999P'"),
    Case("--guest 5P", "invalid guest size 5P"),
    Case("--guest 8GG", "invalid size '8GG'"),
    Case("--guest 1e9", "invalid size '1e9'"),
    Case("--guest nan", "invalid size 'nan'"),
    Case("--guest 130M", "a multiple of 4M"),
    Case("--guest 128M,", "invalid size ''"),
    Case("--free 0", "invalid free fraction 0", "0.05 to 0.95"),
    Case("--free 1.5", "invalid free fraction 1.5"),
    Case("--free -0.5", "invalid free fraction -0.5"),
    Case("--free nan", "invalid free fraction nan"),
    Case("--nodes 0", "invalid node count 0", "1 to 16"),
    Case("--nodes 17", "invalid node count 17"),
    Case("--nodes -1", "invalid node count -1"),
    Case("--guest 128M --nodes 4", "invalid node count: 4 in 128M", "64M per node"),
    Case("--cpus 0", "invalid CPU count 0", "1 to 4096"),
    Case("--cpus -2", "invalid CPU count -2"),
    Case("--cpus 4097", "invalid CPU count 4097"),
    Case("--load order0 --mutators 0", "'mutators'", "invalid value '0'", "1..1024"),
    Case("--load order0 --mutators -1", "invalid value '-1'"),
    Case("--load order0 --mutators 5000", "invalid value '5000'"),
    Case("--load order0 --mutators x", "'mutators'", "invalid value 'x'"),
    Case("--load order0 --cpus 2 --mutators 4", "too few", "--cpus 5"),
    Case("--hold-limit 0us", "invalid time '0us'", "100us"),
    Case("--hold-limit 100", "invalid time '100'"),
    Case("--time-limit -5s", "invalid time '-5s'"),
    Case("--time-limit 1e9h", "invalid time '1e9h'"),
  ]

  static let conflicts = [
    Case("--buddyinfo capture --guest 1G", "can't be combined with --buddyinfo"),
    Case("--buddyinfo capture --state fresh", "can't be combined with --buddyinfo"),
    Case("--buddyinfo capture --free 0.5", "can't be combined with --buddyinfo"),
    Case("--buddyinfo capture --nodes 2", "--nodes", "--buddyinfo"),
    Case("--free 0.5 --state fresh", "--free", "aged"),
    Case("--zoneinfo capture", "--zoneinfo needs --buddyinfo, --pagetypeinfo or --show-mem"),
    Case("--capture capture --zoneinfo capture", "--capture can't be combined with --zoneinfo"),
    Case("--capture capture --guest 1G", "can't be combined with --capture"),
    Case("--capture capture --nodes 2", "--nodes can't be combined with --capture"),
    Case("--show-mem capture --buddyinfo capture", "--show-mem can't be combined with --buddyinfo"),
    Case("--buddyinfo capture --nth 2", "--nth needs --show-mem or --capture"),
    Case("--capture capture --nth 0", "invalid --nth 0: expected 1 or more"),
    Case("--lists a --capture b", "--lists can't be combined with --capture"),
    Case("--capture capture --movable 0.5", "--movable can't be combined with --capture"),
    Case("--buddyinfo capture --watermarks none --load order0", "load threads", "watermarks"),
    Case("--buddyinfo capture --watermarks none --strategy alloc-max-order", "alloc-max-order", "needs watermarks"),
    Case("--buddyinfo capture --watermarks captured", "--watermarks captured needs --zoneinfo"),
    Case("--buddyinfo capture --watermarks x", "invalid watermarks 'x'", "captured, computed, none"),
    Case("--watermarks none", "--watermarks none needs a capture"),
    Case("--page-size 64k", "--page-size 64k needs a capture"),
    Case("--buddyinfo capture --page-size 8k", "invalid page size '8k'", "4k, 16k, 64k"),
    Case("--mutators 2", "'mutators'", "needs load="),
    Case("--config capture --guest 1G", "--config"),
    Case("--config capture --strategy none", "--config"),
    Case("--config capture --state aged", "--config"),
    Case("--config capture --nodes 2", "--config"),
    Case("--config capture --budget 2", "--config"),
    Case("--config capture --quick", "--config"),
    Case("--config capture --preset v33", "--config"),
    Case("--preset v0", "unknown preset 'v0'", "v33"),
    Case("--preset v33 --guest 1G", "--preset sets guest"),
    Case("--preset v33 --downtime-limit 1s", "--preset sets"),
    Case("scan --preset v33", "v33", "migration"),
    Case("--resume run --preset v33", "no other argument"),
    Case("--resume run --out other", "--resume", "no other argument"),
    Case("--resume run --quick", "no other argument"),
    Case("--resume run --dry-run", "no other argument"),
    Case("--resume run --seed 3", "no other argument"),
    Case("--resume run --repetitions 3", "no other argument"),
    Case("--resume run --guest 1G", "no other argument"),
    Case("--resume run --config capture", "no other argument"),
    Case("--resume run --time-limit 1s", "no other argument"),
    Case("--resume run --counters off", "no other argument"),
    Case("--resume run --events X", "no other argument"),
    Case("scan --resume run", "no other argument"),
    Case("--counters simulated --load order0", "--counters simulated", "load=none"),
    Case("--counters simulated --host-ack-ns 0,100", "host-ack-ns=0"),
    Case("interference --counters simulated", "expected scan with"),
    Case("--until soon --strategy step-iterator,walk-callback", "invalid --until 'soon': expected decided"),
    Case("--until decided --repetitions 3 --strategy step-iterator,walk-callback", "--repetitions"),
    Case("--until decided --guest 128M --strategy none,step-iterator", "at least two that report memory"),
    Case("page-states --until decided", "at least two that report memory"),
    Case("scan steady-state --clock virtual --counters simulated", "expected scan with"),
    Case("--counters simulated --events perf::CYCLES", "--events", "auto or papi"),
    Case("--counters off --events perf::CYCLES", "--events", "auto or papi"),
    Case("contiguous --events perf::CYCLES", "counts no events: expected scan"),
    Case("--events a,,b", "invalid event ''"),
    Case("--events a,b,a", "'a' is given twice"),
    Case("--events perf::CYCLES:u=1:k=1", "user mode", "no :k or :h"),
    Case("--events perf::CYCLES:K", "user mode"),
  ]

  @Test(arguments: unknown + numbers + conflicts) func isRefusedInOneLine(_ wrong: Case) throws {
    try Tool.withFolder { folder in
      try Folder.write("Node 0, zone Normal 1 2 3 4 5 6 7 8 9 10 11\n", to: folder + "/capture")
      let before = Folder.contents(folder)
      for rest in ["", " --out made"] where rest.isEmpty || !wrong.words.contains("--resume") {
        let result = try Tool.run("run " + wrong.words + rest, in: folder)
        #expect(result.status == 64, "\(result)")
        #expect(result.out.isEmpty, "\(result)")
        #expect(result.complaints.count == 1, "\(result)")
        for text in wrong.says { #expect(result.err.contains(text), "'\(text)' in \(result)") }
        // Neither --out nor Reports/runs.
        #expect(Folder.contents(folder) == before, "\(result)")
      }
    }
  }

  /// What the argument parser itself refuses: what was wrong in the first line, the usage below.
  @Test(arguments: [
    Case("--nope", "Unknown option '--nope'"),
    Case("--repetitions 1e9", "'1e9'", "--repetitions"),
    Case("--repetitions", "--repetitions"),
    Case("--repetitions 99999999999999999999", "'99999999999999999999'"),
    Case("--seed -1", "'-1'", "--seed"),
    Case("--seed 18446744073709551616", "'18446744073709551616'"),
    Case("--nodes two", "'two'", "--nodes"),
    Case("--cpus 1.5", "'1.5'", "--cpus"),
    Case("--free much", "'much'", "--free"),
    Case("--quick=yes", "--quick"),
    Case("--guest", "--guest"),
  ])
  func theParserSaysWhatItDoesNotTake(_ wrong: Case) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("run " + wrong.words, in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.out.isEmpty, "\(result)")
      let first = result.err.prefix { $0 != "\n" }
      #expect(first.hasPrefix("Error: "), "\(result)")
      for text in wrong.says { #expect(first.contains(text), "'\(text)' in \(result)") }
      #expect(Folder.names(folder).isEmpty, "\(result)")
    }
  }

  #if DEBUG
    @Test func aDebugBuildRefusesToMeasure() throws {
      try Tool.withFolder { folder in
        let words = ["run", "--guest", "128M", "--state", "fresh", "--strategy", "none", "--repetitions", "1"]
        let result = try Tool.run(words, in: folder, allowDebug: false)
        #expect(result.status == 69, "\(result)")
        #expect(result.out.isEmpty)
        #expect(result.err.split(separator: "\n").count == 1, "\(result)")
        #expect(result.err.contains("debug build") && result.err.contains("HINTBENCH_ALLOW_DEBUG=1"), "\(result)")
        #expect(Folder.names(folder).isEmpty)
        // A plan is no measurement.
        #expect(try Tool.run(words + ["--dry-run"], in: folder, allowDebug: false).status == 0)
        #expect(try Tool.run(["run", "--resume", "x"], in: folder, allowDebug: false).status == 69)
      }
    }
  #endif

  @Test func theVersionSaysWhatWasBuilt() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["--version"], in: folder, allowDebug: false)
      #expect(result.status == 0 && result.err.isEmpty, "\(result)")
      #expect(result.out.contains("debug build, schema_version \(RunMeta.currentSchemaVersion)"), "\(result)")
      #expect(result.out.starts(with: #/hintbench ([0-9a-f]{40}( with changes)?|unknown commit), /#), "\(result)")
      let bare = try Tool.run([], in: folder, allowDebug: false)
      #expect(bare.status == 0 && bare.out.contains("SUBCOMMANDS") && bare.out.contains("--version"), "\(bare)")
    }
  }

  /// A dry run says what a run would say too late: who is left out, and that threads share CPUs.
  @Test func aDryRunSaysWhoIsLeftOutAndThatThreadsShareCPUs() throws {
    try Tool.withFolder { folder in
      try Folder.write(Captures.debian, to: folder + "/buddyinfo")
      let without = try Tool.run("run --buddyinfo buddyinfo --watermarks none --vmemmap 4k --dry-run", in: folder)
      #expect(without.status == 0, "\(without)")
      #expect(
        without.outLines.contains {
          $0.hasPrefix("skipped: ") && $0.contains("alloc-max-order, ") && $0.contains("--watermarks none")
        },
        "\(without)")
      let crowded = try Tool.run(
        "run interference:load=order0:mutators=64 --guest 128M --cpus 65 --state fresh --strategy none --dry-run",
        in: folder)
      #expect(crowded.status == 0, "\(crowded)")
      #expect(
        crowded.outLines.contains { $0.starts(with: #/oversubscribed: 2 of 2 cells have up to 65/#) }, "\(crowded)")
    }
  }
}
