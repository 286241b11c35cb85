import Testing

@testable import Ballooning
@testable import GuestMemory

/// The balloon's threads in every order of their steps: no page has two owners, none is lost, counts are right, nobody
/// is stuck.
///
/// Explored are the rules of 6.1, with the check of the 2012 series and with what was merged, and those of mainline. 6.12's
/// balloon is 6.1's, and single pages are allocated and freed alike.
@Suite struct BalloonScheduleTests {
  /// The check, and whose rules.
  struct Rules: Sendable, CustomTestStringConvertible {
    var isolation = IsolationRule.merged
    var kernel = KernelVersion.linux61

    var testDescription: String { "\(isolation.rawValue), \(kernel.rawValue)" }

    static let series2012 = Rules(isolation: .series2012)
    static let merged = Rules()
    static let mainline = Rules(kernel: .mainline)
    static let all = [series2012, merged, mainline]
  }

  private typealias Script = BalloonScheduler.Script

  private static let deflate: Script = { driver, _ in _ = driver.deflate(1) }
  private static let deflateAll: Script = { driver, pages in _ = driver.deflate(pages.count) }
  private static let deflateAndInflate: Script = { driver, _ in
    _ = driver.deflate(1)
    _ = driver.inflate(1)
  }
  private static let isolateAndPutBack: Script = { driver, pages in
    if driver.isolate(pages[0]) { driver.putBack(pages[0]) }
  }
  private static let isolateBothAndPutBack: Script = { driver, pages in
    let isolated = pages.filter { driver.isolate($0) }
    for pfn in isolated { driver.putBack(pfn) }
  }
  private static let isolateAndMigrate: Script = { driver, pages in
    guard driver.isolate(pages[0]) else { return }
    guard let new = driver.allocateTarget() else { return driver.putBack(pages[0]) }
    if !driver.migrate(pages[0], to: new) {
      driver.returnTarget(new)
      driver.putBack(pages[0])
    }
  }

  private func explored(
    _ scripts: [Script], pages: Int = 2, _ rules: Rules = .merged, _ listing: BalloonListing = .page,
    prunes: Bool = true
  ) throws -> BalloonScheduler.Report {
    let bench = try BalloonBench(listing: listing, isolation: rules.isolation, kernel: rules.kernel)
    return BalloonScheduler(bench, pages: pages, scripts).explore(prunes: prunes)
  }

  /// All pairs of what can happen to a page, and three at once, with two pages in the balloon.
  @Test(arguments: Rules.all, BalloonListing.allCases)
  func noOrderOfStepsBreaksARule(_ rules: Rules, _ listing: BalloonListing) throws {
    let cases: [(name: String, scripts: [Script], least: Int)] = [
      ("dequeue, isolate", [Self.deflate, Self.isolateAndPutBack], 40),
      ("dequeue all, isolate both", [Self.deflateAll, Self.isolateBothAndPutBack], 60),
      ("isolate, isolate", [Self.isolateAndPutBack, Self.isolateAndPutBack], 60),
      ("putback, migrate", [Self.isolateAndPutBack, Self.isolateAndMigrate], 60),
      ("dequeue, migrate", [Self.deflate, Self.isolateAndMigrate], 60),
      ("migrate, migrate", [Self.isolateAndMigrate, Self.isolateAndMigrate], 60),
    ]
    for (name, scripts, least) in cases {
      let report = try explored(scripts, rules, listing)
      #expect(report.fault == nil, "\(name): \(report.fault ?? "")")
      #expect(report.positions >= least, "\(name): \(report.positions) positions")
    }
  }

  @Test(arguments: Rules.all) func threeAtOnePageBreakNoRule(_ rules: Rules) throws {
    for scripts in [
      [Self.deflate, Self.isolateAndPutBack, Self.isolateAndPutBack],
      [Self.deflate, Self.isolateAndPutBack, Self.isolateAndMigrate],
    ] {
      let report = try explored(scripts, pages: 1, rules)
      #expect(report.fault == nil, "\(report.fault ?? "")")
      #expect(report.positions >= 300, "\(report.positions) positions")
    }
  }

  /// A page that was dequeued, freed and allocated again comes back into the balloon while others still look at it.
  @Test(arguments: [Rules.merged, .mainline]) func aPageThatComesBackIsNoStaleOne(_ rules: Rules) throws {
    let report = try explored([Self.deflateAndInflate, Self.isolateAndPutBack], pages: 1, rules)
    #expect(report.fault == nil, "\(report.fault ?? "")")
  }

  /// The rules of 2012 don't ask once more after taking the reference: who looked at the page before it was freed can
  /// have its lock when the balloon puts it on its list again, and that is a BUG_ON().
  @Test func theRulesOf2012LockAPageThatWasAllocatedAgain() throws {
    let report = try explored([Self.deflateAndInflate, Self.isolateAndPutBack], pages: 1, .series2012)
    #expect(report.fault?.contains("comes into the balloon is locked") == true, "\(report.fault ?? "no fault")")
  }

  @Test(arguments: [Rules.merged, .mainline]) func pruningLosesNothing(_ rules: Rules) throws {
    let scripts = [Self.deflate, Self.isolateAndPutBack]
    let whole = try explored(scripts, pages: 1, rules, prunes: false)
    let pruned = try explored(scripts, pages: 1, rules)
    #expect(whole.fault == nil && pruned.fault == nil)
    #expect(pruned.ends.count == whole.ends.count && pruned.ends.count > 1)
    #expect(pruned.runs < whole.runs)
  }

  // MARK: with something wrong

  private func caught(
    _ scripts: [Script], _ says: String, pages: Int = 2, _ rules: Rules = .merged, alone: Bool = false
  ) throws {
    let report = try explored(scripts, pages: pages, rules)
    #expect(report.fault?.contains(says) == true, "\(report.fault ?? "no fault in \(report.positions) positions")")
    if alone { return }
    // Nothing is wrong where nobody is beside it.
    for script in scripts {
      let report = try explored([script], pages: pages, rules)
      #expect(report.fault == nil, "alone: \(report.fault ?? "")")
    }
  }

  @Test(arguments: Rules.all) func anIsolationWithoutTheCheckIsCaught(_ rules: Rules) throws {
    let script: Script = { driver, pages in
      if driver.isolateWithoutTheCheck(pages[0]) { driver.putBack(pages[0]) }
    }
    try caught([script, script], "two own", rules)
  }

  @Test func aDequeueWithoutTrylockIsCaught() throws {
    try caught([{ driver, _ in driver.deflateWithoutTrylock() }, Self.isolateAndPutBack], "two own")
  }

  /// A look before the list's lock doesn't do where deflating needs no page's lock.
  @Test func anIsolationThatLooksTooEarlyIsCaughtInMainline() throws {
    let script: Script = { driver, pages in
      if driver.isolateWithoutTheListLock(pages[0]) { driver.putBack(pages[0]) }
    }
    try caught([Self.deflate, script], "two own", .mainline)
    let report = try explored([Self.deflate, script], .merged)
    #expect(report.fault == nil, "\(report.fault ?? "")")
  }

  /// The dequeue of the 2012 series, as it was posted, races with isolation: an observation about that text, not a
  /// fault of ours.
  @Test func theDequeueAsItWasPostedIn2012Races() throws {
    try caught([{ driver, _ in driver.deflateAsPosted() }, Self.isolateAndPutBack], "two own", .series2012)
  }

  @Test(arguments: [Rules.merged, .mainline]) func aMigrationThatTellsDeflateFirstIsCaught(_ rules: Rules) throws {
    let script: Script = { driver, pages in
      guard driver.isolate(pages[0]), let new = driver.allocateTarget() else { return }
      driver.migrateTellingDeflateFirst(pages[0], to: new)
    }
    try caught([script], "before it hears of", rules, alone: true)
  }

  @Test(arguments: [Rules.merged, .mainline]) func aPutbackThatForgetsToCountIsCaught(_ rules: Rules) throws {
    let script: Script = { driver, pages in
      if driver.isolate(pages[0]) { driver.putBackForgettingToCount(pages[0]) }
    }
    try caught([script], "counted as isolated", rules, alone: true)
  }
}
