import Bench
import Experiments
import Foundation
import GuestMemory
import Machine
import Migration
import Records
import Testing

@testable import Diagnosis

/// The whole ladder, the model's rungs included.
@Suite struct CalibrationTests {
  static let small = CalibrationEffort(
    ladder: LadderEffort(rounds: 3, roundNanoseconds: 1e5, spans: [32 << 10], discards: [4096]), guests: [128 << 20],
    walksBeyondCache: true, budgetNanoseconds: 1e12)

  static func host(cpus: [Int]? = nil, memoryBytes: UInt64 = 1 << 30, hugePages: Bool = true) throws -> LadderHost {
    LadderHost(
      cpus: try cpus ?? ThreadPlacement.allowedCPUs(), memoryBytes: memoryBytes, lastLevelCacheBytes: 1 << 20,
      hugePages: { _ in .init(anonymousBytes: 4 << 20, hugeBytes: hugePages ? 4 << 20 : 0) })
  }

  @Test func theModelsRungsAreThereMeasuredOrWithAReason() throws {
    let rungs = Calibration.climb(Self.small, host: try Self.host())
    for name in ["probe-in-hold", "lock-uncontended", "lock-contended"] {
      let own = rungs.filter { $0.primitive.name == name }
      #expect(Set(own.map(\.primitive.lock)) == Set(LockKind.allCases.map(\.rawValue)), "\(name)")
      if name != "lock-contended" { #expect(own.allSatisfy { $0.figure != nil }, "\(own)") }
    }
    for name in ["walk-c", "walk-swift"] {
      let own = rungs.filter { $0.primitive.name == name }
      #expect(own.count == 4)
      #expect(Set(own.map(\.primitive.cache)) == ["cold", "warm"])
      #expect(own.allSatisfy { $0.figure != nil }, "\(own)")
      // A cache of 1 MiB has room for 8192 heads and their page tables: 32 GiB in blocks of 4 MiB, and a quarter more.
      #expect(own.compactMap(\.primitive.guestBytes).max() == 64 << 30)
    }
    let log = rungs.filter { ["protected-write", "dirty-log-sync"].contains($0.primitive.name) }
    #expect(log.count == 3 && log.allSatisfy { ($0.figure != nil) == (WriteProtectLog.refusal == nil) }, "\(log)")
    for rung in rungs {
      guard let figure = rung.figure else {
        #expect(rung.reason?.isEmpty == false, "\(rung)")
        continue
      }
      #expect(figure.cost.lowest > 0 && figure.cost.highest.isFinite, "\(rung)")
      #expect(figure.cost.lowest <= figure.cost.median && figure.cost.median <= figure.cost.highest, "\(rung)")
      #expect(figure.rounds > 0 && figure.operations > 0, "\(rung)")
    }
    #expect(Set(rungs.map(\.primitive)).count == rungs.count)
  }

  @Test func onOneCPUOnlyContendedRungsAreMissing() throws {
    let first = try #require(try ThreadPlacement.allowedCPUs().first)
    let rungs = Calibration.climb(Self.small, host: try Self.host(cpus: [first]))
    // Whether there is a dirty log is the kernel's affair.
    let missing = rungs.filter {
      $0.reason != nil && !["protected-write", "dirty-log-sync"].contains($0.primitive.name)
    }
    #expect(
      Set(missing.map(\.primitive.name)) == [
        "atomic-add-contended", "lock-contended", "eventfd-write-waking", "eventfd-round-trip",
      ])
    #expect(missing.allSatisfy { $0.reason?.contains("one CPU") == true }, "\(missing)")
  }

  @Test func guestsNeedTheirPagesAndTheirRoom() throws {
    let withoutHuge = Calibration.climb(Self.small, host: try Self.host(hugePages: false))
    for rung in withoutHuge where rung.primitive.pageBytes == 2 << 20 {
      #expect(rung.reason?.contains("huge pages") == true, "\(rung)")
    }
    let withoutRoom = Calibration.climb(Self.small, host: try Self.host(memoryBytes: 1 << 20))
    for rung in withoutRoom where rung.primitive.guestBytes != nil {
      #expect(rung.reason?.contains("a quarter of the available memory") == true, "\(rung)")
    }
  }

  @Test func withoutTimeEveryRungSaysSo() throws {
    var effort = Self.small
    effort.budgetNanoseconds = 0
    let rungs = Calibration.climb(effort, host: try Self.host())
    #expect(!rungs.isEmpty && rungs.allSatisfy { $0.reason?.contains("time") == true })
  }

  @Test func theThreadGetsItsCPUsBack() throws {
    var effort = Self.small
    effort.budgetNanoseconds = 0
    let before = try ThreadPlacement.allowedCPUs()
    _ = Calibration.climb(effort, host: try Self.host(cpus: [before[before.count - 1]]))
    #expect(try ThreadPlacement.allowedCPUs() == before)
  }

  @Test func theFileReadsBack() throws {
    var effort = Self.small
    effort.guests = []
    effort.walksBeyondCache = false
    let rungs = Calibration.climb(effort, host: try Self.host(memoryBytes: 0))
    let calibration = Calibration(
      commandLine: ["hintbench", "calibrate"], revision: SourceRevision(commit: "abc", branch: nil, isDirty: true),
      host: .gather(), isQuick: true, started: Date(timeIntervalSince1970: 1_700_000_000), durationNanoseconds: 5e9,
      rungs: rungs)
    let data = try JSONEncoder.standard.encode(calibration)
    let read = try JSONDecoder.standard.decode(Calibration.self, from: data)
    #expect(read.rungs == rungs)
    #expect(rungs.contains { $0.figure != nil } && rungs.contains { $0.reason != nil })
    #expect(read.host == calibration.host && read.commit == "abc" && read.dirty == true && read.isQuick)
    #expect(read.durationNanoseconds == 5e9 && read.started == calibration.started)
    #expect(read.schemaVersion == Calibration.currentSchemaVersion && read.commandLine == calibration.commandLine)
  }

  /// A run keeps the short ladder, by the same code.
  @Test func aRunsLimitsKeepTheirKeys() throws {
    let limits = try JSONValue(encoding: RunFloors.measure())
    for key in [
      "clock_p50_ns", "clock_p99_ns", "atomic_add_ns", "system_call_ns", "zeroing_4kib_ns", "zeroing_4mib_ns",
    ] {
      #expect(limits["machine"]?[key]?["median"] != nil, "\(key)")
    }
    for key in ["uncontended_lock_ns", "probe_in_hold_ns"] {
      for kind in LockKind.allCases { #expect(limits[key]?[kind.rawValue]?["median"] != nil, "\(key) \(kind)") }
    }
  }
}
