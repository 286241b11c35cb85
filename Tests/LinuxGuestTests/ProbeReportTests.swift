import Records
import Testing

@testable import LinuxGuest

/// What the probe prints, whole and cut short.
@Suite struct ProbeReportTests {
  private static let text = """
    hintprobe 1 release=6.1.192 cpus=1 nodes=1 max_order=10 migratetypes=4 pages=252000
    command dump
    zone node=0 name=Normal start=0 spanned=262144 present=262144 managed=252000 min=800 low=1000 high=1200 boost=0 \
    highatomic=0 nr_free_pages=250003
    free order=0 nr_free=3
    list order=0 type=0 7 9*2:2
    free order=10 nr_free=244
    list order=10 type=1 1024*3:1024 9216*2:-1024
    pageblocks order=10 start=0 1*2 0*1
    pcp cpu=0 count=3 high=300 batch=63 free_factor=2
    pcplist cpu=0 list=3 40*2:1 90
    pcpnoted cpu=0 type=3 90
    command scan design=step-iterator step=2 order=10
    session design=step-iterator option=step limit=2 order=10 pass=1 probed=0 cache=cold outcome=complete blocks=5 \
    pages=5120 pfn_sum=23552 holds=3 dropped=0 ticks=900 return_ticks=0
    session design=step-iterator option=step limit=2 order=10 pass=1 probed=1 cache=cold outcome=limit blocks=5 \
    pages=5120 pfn_sum=23552 holds=3 dropped=0 ticks=1100 return_ticks=0
    hold ticks=100 items=2
    hold ticks=300 items=2
    hold ticks=90 items=1
    done

    """

  @Test func aWholeReport() throws {
    let report = try ProbeReport(Self.text, file: "f")
    #expect(report.release == "6.1.192" && report.maxOrder == 10 && report.isComplete && report.failure == nil)
    let zone = try #require(report.state.zones.first)
    #expect(report.state.zones.count == 1 && zone.name == "Normal" && zone.freePages == 250003)
    #expect(zone.blocksFree == [3, 244] && zone.pageblocks == [1, 1, 0] && zone.pageblockOrder == 10)
    #expect(zone.lists.map(\.pfns) == [[7, 9, 11], [1024, 2048, 3072, 9216, 8192]])
    #expect(zone.perCPU.map(\.high) == [300] && zone.perCPU[0].lists == [3: [40, 41, 90]])
    #expect(zone.perCPU[0].highAtomic == [90] && zone.perCPU[0].freeFactor == 2)
    #expect(report.sessions.map(\.isProbed) == [false, true])
    #expect(report.sessions.map(\.outcome) == [.complete, .limit])
    let probed = report.sessions[1]
    #expect(probed.fullName == "step-iterator:step=2" && probed.isCold && probed.blocks == 5 && probed.pfnSum == 23552)
    #expect(probed.samples.map(\.ticks) == [100, 300, 90] && probed.samples.map(\.items) == [2, 2, 1])
  }

  @Test func aReportCutShortIsNeverWhole() throws {
    // At any byte: it is read as far as it goes, and never taken for a whole one.
    for length in 0..<Self.text.utf8.count - 1 {
      let torn = String(decoding: Self.text.utf8.prefix(length), as: UTF8.self)
      #expect(try !ProbeReport(torn, file: "f").isComplete, "\(length)")
    }
  }

  @Test func everyDumpIsAStateOfItsOwn() throws {
    let again = Self.text.replacing("done\n", with: "command dump\ndone\n")
    let states = try ProbeReport(again, file: "f").states
    // The lines of the first alone, as they came.
    let text = try ProbeReport(again, file: "f").stateText
    #expect(text.hasPrefix("zone node=0") && text.hasSuffix("pcpnoted cpu=0 type=3 90\n"))
    #expect(text.split(separator: "\n").count == 9)
    #expect(states.count == 2 && !states[0].zones.isEmpty && states[1].zones.isEmpty)
  }

  @Test func theStepsOfATraceAreRead() throws {
    let text = "trace seed=1 operations=6 every=6 most=9\na 7\na -\nf 7\nd\nr 3\ni 1024 1\ni 2048 0\nu 1024\ndone\n"
    let steps = try ProbeReport(text, file: "f").traces[0].steps
    #expect(
      steps == [
        .allocated(7), .allocated(nil), .freed(7), .drained, .reported(3), .isolated(1024, true),
        .isolated(2048, false),
        .unisolated(1024),
      ])
    #expect(throws: UserError.self) { try ProbeReport("trace seed=1 most=9\ni 1024 2\n", file: "f") }
  }

  @Test func aCommandThatFailedIsNamed() throws {
    let report = try ProbeReport("command scan design=x\nerror -22\n", file: "f")
    #expect(report.failure?.command == "scan design=x" && report.failure?.errno == -22 && !report.isComplete)
  }

  @Test(arguments: [
    ("hintprobe 1 release=x cpus=1\n", 1), ("session design=x\n", 1), ("hold ticks=1 items=1\n", 1),
    ("command x\nwhatever a=1\n", 2), ("\n", 1), ("free order=0 nr_free=1\n", 1),
    ("zone node=x name=N managed=1 nr_free_pages=1\n", 1),
  ])
  func whatTheProbeNeverPrintsIsAnInputErrorWithItsLine(text: String, line: Int) {
    let error = #expect(throws: UserError.self) { try ProbeReport(text, file: "f") }
    #expect(error?.kind == .input && error?.path == "f" && error?.line == line)
  }
}
