import Foundation
import Records
import TestSupport
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// Series of captures: taking one from a made-up /proc, and reading what is in a folder.
@Suite struct CaptureSeriesTests {
  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  private func watch(_ proc: String, every interval: String, for span: String) throws -> CaptureWatch {
    try CaptureWatch(HostCapture(procRoot: proc), every: TimeSpan(interval), for: TimeSpan(span))
  }

  @Test func aWatchLeavesCapturesThatSortByTime() throws {
    try withTemporaryFolder { folder in
      try write(Fixtures.vmBuddyinfo, folder + "/buddyinfo")
      try write(Fixtures.vmZoneinfo, folder + "/zoneinfo")
      var result = CaptureWatch.Result()
      var said: [CaptureOmission] = []
      try watch(folder, every: "20ms", for: "100ms").run(
        into: folder + "/new/series", isInterrupted: { false }, say: { said.append($0) }, result: &result)
      let left = try names(folder + "/new/series")
      #expect((2...6).contains(left.count) && left.count + result.missed == 6)
      #expect(result.written == left.map { folder + "/new/series/" + $0 })
      #expect(left.allSatisfy { $0.contains(#/^\d{8}T\d{6}\.\d{3}Z\.txt$/#) })
      // Said once, however many lack it.
      #expect(said.map(\.file) == [.pagetypeinfo] && result.lacking == [.pagetypeinfo: left.count])
      let series = try CaptureSeries(folder: folder + "/new/series")
      #expect(series.skipped.isEmpty && series.captures.map(\.path) == result.written)
      #expect(series.captures.map { $0.name + ".txt" } == left)
    }
  }

  @Test func aWatchEndsWhenInterrupted() throws {
    try withTemporaryFolder { folder in
      try write(Fixtures.vmBuddyinfo, folder + "/buddyinfo")
      var result = CaptureWatch.Result()
      var asked = 0
      try watch(folder, every: "1h", for: "2h").run(
        into: folder + "/s",
        isInterrupted: {
          asked += 1
          return asked > 1
        }, say: { _ in }, result: &result)
      #expect(result.written.count == 1)
      #expect(try names(folder + "/s").count == 1)
    }
  }

  @Test func aWatchRefusesAndLeavesNothing() throws {
    for (interval, span) in [("10s", "9s"), ("10us", "1s")] {
      #expect(throws: UserError.self) { try watch("/proc", every: interval, for: span) }
    }
    try withTemporaryFolder { (folder: String) throws in
      try FileManager.default.createDirectory(atPath: folder + "/full/x", withIntermediateDirectories: true)
      var result = CaptureWatch.Result()
      #expect(throws: CaptureWriteError.exists(path: folder + "/full")) {
        try watch(folder, every: "1s", for: "1s").run(
          into: folder + "/full", isInterrupted: { false }, say: { _ in }, result: &result)
      }
      // There is no buddyinfo.
      #expect(throws: CaptureWriteError.self) {
        try watch(folder, every: "1s", for: "1s").run(
          into: folder + "/a/b", isInterrupted: { false }, say: { _ in }, result: &result)
      }
      #expect(result == CaptureWatch.Result())
      #expect(try names(folder) == ["full"])
    }
  }

  @Test func aSeriesIsWhatIsACaptureByContentInOrderOfNames() throws {
    try withTemporaryFolder { folder in
      for name in ["b.txt", "a", "c.txt", "c", ".d.txt.1.2"] {
        try write(Fixtures.debianBuddyinfo, folder + "/" + name)
      }
      try write("no capture\n", folder + "/aa.txt")
      try FileManager.default.createDirectory(atPath: folder + "/below", withIntermediateDirectories: true)
      let series = try CaptureSeries(folder: folder)
      #expect(series.captures.map(\.name) == ["a", "b", "c", "c.txt"])
      #expect(series.captures.map(\.path) == ["a", "b.txt", "c", "c.txt"].map { folder + "/" + $0 })
      #expect(series.skipped.count == 3)
      for name in [".d.txt.1.2", "aa.txt", "below"] {
        #expect(series.skipped.contains { $0.contains(folder + "/" + name + ":") }, "\(series.skipped)")
      }
    }
  }

  @Test func aFolderWithoutCapturesIsRefused() throws {
    func kind(_ folder: String) -> UserError.Kind? {
      do throws(UserError) { _ = try CaptureSeries(folder: folder) } catch { return error.kind }
      return nil
    }
    try withTemporaryFolder { folder in
      #expect(kind(folder) == .input)
      try write("no capture\n", folder + "/x")
      #expect(kind(folder) == .input && kind(folder + "/x") == .usage && kind("-") == .usage)
      #expect(kind(folder + "/nowhere") == .io)
    }
  }

  @Test func namesAreTimesInUTC() {
    #expect(CaptureSeries.name(of: Date(timeIntervalSince1970: 1_796_138_580.1204)) == "20261201T152300.120Z")
    #expect(CaptureSeries.name(of: Date(timeIntervalSince1970: 0)) == "19700101T000000.000Z")
  }
}
