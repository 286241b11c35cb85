import Foundation
import Testing

/// Arguments that make no sense: 64, said in one clear line, and nothing written anywhere.
@Suite struct UsageTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var words: String
    /// What the line must say: what was wrong, and what would be accepted.
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
    Case("--strategy none:", "isn't OPTION=VALUE"),
    Case("--strategy none:budget=1", "no option 'budget'"),
    Case("--strategy budgeted-resume:nope=1", "no option 'nope'", "budget, restarts, check"),
    Case("--strategy budgeted-resume:budget=0", "'budget'", "can't be '0'", "1..1000000"),
    Case("--strategy budgeted-resume:budget=1/x", "can't be 'x'"),
    Case("--strategy budgeted-resume:budget=1/", "can't be ''"),
    Case("--strategy budgeted-resume:budget=99999999999999999999", "can't be '99999999999999999999'"),
    Case("--strategy budgeted-resume:budget=1:budget=2", "given twice"),
    Case("--strategy budgeted-resume:check=maybe", "buddy|null"),
    Case("--guest 128M --budget x", "can't be 'x'"),
    Case("--guest 128M --strategy none --budget 5", "no strategy of this run has an option 'budget'"),
    Case("--state stale", "unknown state 'stale'", "fresh, aged"),
    Case("--state captured", "unknown state 'captured'"),
    Case("--order 11", "'11' is no order", "0 to 10, or native"),
    Case("--order=-1", "'-1' is no order"),
    Case("--order high", "'high' is no order"),
    Case("--list-order sorted", "unknown list order 'sorted'", "ascending, churned, shuffled"),
    Case("--granule 10", "'10' is no granule order", "0 to 9, or auto"),
    Case("--vmemmap 1g", "unknown vmemmap page size '1g'", "4k, 2m, auto"),
    Case("--lock ticket", "unknown lock 'ticket'", "queued, test-and-set"),
    Case("--page-init always", "'page-init'", "can't be 'always'", "none|alloc|free"),
    Case("--cache hot", "'cache'", "can't be 'hot'", "cold|warm"),
    Case("--load heavy", "'load'", "can't be 'heavy'", "none|order0|thp|mixed"),
    Case("--counters some", "unknown counters 'some'", "auto, papi, simulated, off"),
    Case("nope", "unknown experiment 'nope'", "scan"),
    Case("scan,scan", "unknown experiment 'scan,scan'"),
  ]

  static let numbers = [
    Case("--repetitions 0", "0 repetitions", "1 to 100000"),
    Case("--repetitions -1", "-1 repetitions", "1 to 100000"),
    Case("--repetitions=-1", "-1 repetitions"),
    Case("--repetitions 1000000000", "1000000000 repetitions"),
    Case("--guest 0", "'0' is no size", "8G or 1.5T"),
    Case("--guest -8G", "'-8G' is no size"),
    Case("--guest 1K", "a guest of 1K", "128M to 4P"),
    Case("--guest 999999P", "'999999P' is no size"),
    Case("--guest 5P", "a guest of 5P"),
    Case("--guest 8GG", "'8GG' is no size"),
    Case("--guest 1e9", "'1e9' is no size"),
    Case("--guest nan", "'nan' is no size"),
    Case("--guest 130M", "multiples of 4M"),
    Case("--guest 128M,", "'' is no size"),
    Case("--free 0", "a free fraction of 0", "0.05 to 0.95"),
    Case("--free 1.5", "a free fraction of 1.5"),
    Case("--free -0.5", "a free fraction of -0.5"),
    Case("--free nan", "a free fraction of nan"),
    Case("--nodes 0", "0 nodes", "1 to 16"),
    Case("--nodes 17", "17 nodes"),
    Case("--nodes -1", "-1 nodes"),
    Case("--guest 128M --nodes 4", "4 nodes in 128M", "64M a node"),
    Case("--cpus 0", "0 CPUs", "1 to 4096"),
    Case("--cpus -2", "-2 CPUs"),
    Case("--cpus 4097", "4097 CPUs"),
    Case("--load order0 --mutators 0", "'mutators'", "can't be '0'", "1..1024"),
    Case("--load order0 --mutators -1", "can't be '-1'"),
    Case("--load order0 --mutators 5000", "can't be '5000'"),
    Case("--load order0 --mutators x", "'mutators'", "can't be 'x'"),
    Case("--load order0 --cpus 2 --mutators 4", "too few", "--cpus 5"),
    Case("--hold-limit 0us", "'0us' is no time", "100us"),
    Case("--hold-limit 100", "'100' is no time"),
    Case("--time-limit -5s", "'-5s' is no time"),
    Case("--time-limit 1e9h", "'1e9h' is no time"),
  ]

  static let conflicts = [
    Case("--buddyinfo capture --guest 1G", "don't go with --buddyinfo"),
    Case("--buddyinfo capture --state fresh", "don't go with --buddyinfo"),
    Case("--buddyinfo capture --free 0.5", "don't go with --buddyinfo"),
    Case("--buddyinfo capture --nodes 2", "--nodes", "--buddyinfo"),
    Case("--free 0.5 --state fresh", "--free", "aged"),
    Case("--pagetypeinfo capture", "go with --buddyinfo"),
    Case("--zoneinfo capture", "go with --buddyinfo"),
    Case("--buddyinfo capture --load order0", "give --zoneinfo"),
    Case("--mutators 2", "'mutators'", "needs load="),
    Case("--config capture --guest 1G", "--config"),
    Case("--config capture --strategy none", "--config"),
    Case("--config capture --state aged", "--config"),
    Case("--config capture --nodes 2", "--config"),
    Case("--config capture --budget 2", "--config"),
    Case("--config capture --quick", "--config"),
    Case("--config capture --preset v33", "--config"),
    Case("--preset v0", "unknown preset 'v0'", "v33"),
    Case("--preset v33 --guest 1G", "--preset says which guest"),
    Case("--preset v33 --downtime-limit 1s", "--preset says"),
    Case("scan --preset v33", "v33", "migration"),
    Case("--resume run --preset v33", "nothing else"),
    Case("--resume run --out other", "--resume", "nothing else"),
    Case("--resume run --quick", "nothing else"),
    Case("--resume run --dry-run", "nothing else"),
    Case("--resume run --seed 3", "nothing else"),
    Case("--resume run --repetitions 3", "nothing else"),
    Case("--resume run --guest 1G", "nothing else"),
    Case("--resume run --config capture", "nothing else"),
    Case("--resume run --time-limit 1s", "nothing else"),
    Case("--resume run --counters off", "nothing else"),
    Case("--resume run --events X", "nothing else"),
    Case("scan --resume run", "nothing else"),
    Case("--counters simulated --load order0", "--counters simulated", "without --load"),
    Case("--counters simulated --host-ack-ns 0,100", "--host-ack-ns 0"),
    Case("interference --counters simulated", "goes with scan"),
    Case("scan steady-state --clock virtual --counters simulated", "goes with scan"),
    Case("--counters simulated --events perf::CYCLES", "--events", "auto or papi"),
    Case("--counters off --events perf::CYCLES", "--events", "auto or papi"),
    Case("contiguous --events perf::CYCLES", "--events is for scan"),
    Case("--events a,,b", "'' is no event"),
    Case("--events a,b,a", "'a' is given twice"),
    Case("--events perf::CYCLES:u=1:k=1", "user mode", "without :k or :h"),
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
}
