import Experiments
import Foundation
import Records
import Testing

@testable import Reporting

@Suite("The folder of a run")
struct RunFolderTests {
  /// A run of `count` repetitions of two cells, not finished.
  static func write(_ path: String, count: Int = 3) throws -> [RunRecord] {
    let folder = try RunFolder.create(at: path, meta: RunFixtures.meta)
    let runs = (0..<count).map { RunFixtures.run(cell: "c\($0 % 2)", repetition: $0 / 2) }
    for (index, run) in runs.enumerated() {
      try folder.commit(
        run, zones: RunFixtures.zones(of: run), holds: RunFixtures.holds(of: run, count: index),
        holdSequence: index == 1 ? nil : HoldSequence([UInt64(index), .max], preempted: [1]),
        experiment: RunFixtures.experiment(of: run),
        events: RunFixtures.events(of: run), coverage: RunFixtures.coverage(of: run))
    }
    return runs
  }

  static let csvFiles = ["runs.csv", "zones.csv", "lock_holds.csv", "scan.csv", "events.csv", "coverage.csv"]

  /// What must hold of any folder that was resumed, whatever happened to it: whole lines, each repetition with all its
  /// rows and no rows of others.
  static func expectConsistent(_ path: String, _ resumed: ResumedRun, of all: [RunRecord], _ comment: Comment) throws {
    #expect(resumed.runs == all.filter { resumed.committed.contains($0.key) }, comment)
    let reader = try RunReader(path: path)
    #expect(reader.runs == resumed.runs, comment)
    let zones = try reader.rows(ZoneRecord.self)
    let holds = try reader.rows(HoldBucketRecord.self)
    let rows = try reader.rows(ofExperiment: "scan")
    #expect(zones == resumed.runs.flatMap { RunFixtures.zones(of: $0) }, comment)
    #expect(
      holds == resumed.runs.flatMap { RunFixtures.holds(of: $0, count: all.firstIndex(of: $0) ?? 0) }, comment)
    #expect(rows.count == 2 * resumed.runs.count, comment)
    #expect(try reader.rows(EventCountRecord.self) == resumed.runs.flatMap { RunFixtures.events(of: $0) }, comment)
    #expect(try reader.rows(CoverageRecord.self) == resumed.runs.flatMap { RunFixtures.coverage(of: $0) }, comment)
    // Without help from the reader, which leaves out what isn't committed.
    for name in csvFiles where FileManager.default.fileExists(atPath: path + "/" + name) {
      let table = try CSVTable(reading: path + "/" + name)
      #expect(!table.isTorn, comment)
      #expect(try table.keys()?.allSatisfy { resumed.committed.contains($0) } == true, comment)
    }
    for run in resumed.runs {
      let index = all.firstIndex(of: run) ?? 0
      #expect(
        try resumed.folder.holdSequence(of: run.key)
          == (index == 1 ? nil : HoldSequence([UInt64(index), .max], preempted: [1])), comment)
    }
    let kept = try FileManager.default.contentsOfDirectory(atPath: path + "/holds")
    #expect(Set(kept) == Set(resumed.committed.map { "\($0.cellID)-\($0.repetition).bin" }), comment)
  }

  @Test("a run reads back as it was written, and is finished without holds/")
  func wholeRun() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/a/b/run"
      let runs = try Self.write(path)
      let opened = try RunFolder.resume(at: path)
      let cell = try #require(CellSummary.record(of: [runs[0], runs[2]], limitNsPerBlock: 1.5, holdLimitNs: 50_000))
      try opened.folder.finish(cells: [cell], meta: RunFixtures.finished(opened.meta))
      let reader = try RunReader(path: path)
      #expect(reader.meta == RunFixtures.finished(RunFixtures.meta))
      #expect(reader.runs == runs)
      #expect(try reader.cells() == [cell])
      #expect(try reader.rows(ZoneRecord.self).count == 6)
      #expect(
        try reader.rows(HoldBucketRecord.self) == runs.enumerated().flatMap { RunFixtures.holds(of: $1, count: $0) })
      let rows = try reader.rows(ofExperiment: "scan")
      #expect(rows.first == ["run_id": "r1", "cell_id": "c0", "repetition": "0", "extra": "1"])
      #expect(try reader.rows(ofExperiment: "none").isEmpty)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
          == [
            "cells.csv", "coverage.csv", "events.csv", "lock_holds.csv", "meta.json", "runs.csv", "scan.csv",
            "zones.csv",
          ])
    }
  }

  @Test("the header of runs.csv is the first line")
  func header() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      _ = try RunFolder.create(at: path, meta: RunFixtures.meta)
      let names = RunRecord.columns.map(\.name).joined(separator: ",")
      #expect(try RunFixtures.text(path + "/runs.csv") == names + "\n")
    }
  }

  @Test("a file torn at any byte resumes to whole repetitions", arguments: csvFiles)
  func tornAnywhere(name: String) throws {
    try RunFixtures.withFolder { parent in
      let original = parent + "/run"
      let runs = try Self.write(original)
      // What the files hold after the first 0, 1, 2 and 3 repetitions: there is no other whole state.
      let states = try (0...3).map { count in
        _ = try Self.write(parent + "/\(count)", count: count)
        return try Self.withoutEmptyExperiment(RunFixtures.snapshot(parent + "/\(count)"))
      }
      let bytes = try RunFixtures.bytes(original + "/" + name)
      var counts: Set<Int> = []
      for length in 0...bytes.count {
        let path = parent + "/torn"
        try FileManager.default.copyItem(atPath: original, toPath: path)
        try RunFixtures.write(bytes[..<length], to: path + "/" + name)
        let seen = length.isMultiple(of: 16) ? try RunReader(path: path).runs : nil
        let resumed = try RunFolder.resume(at: path)
        let count = resumed.runs.count
        counts.insert(count)
        #expect(resumed.runs == Array(runs.prefix(count)), "\(name) cut at \(length)")
        #expect(
          try Self.withoutEmptyExperiment(RunFixtures.snapshot(path)) == states[count], "\(name) cut at \(length)")
        #expect(resumed.lost == (name == "runs.csv" ? [] : runs.dropFirst(count).map(\.key)))
        if let seen {
          // Reading without resuming sees the same.
          #expect(seen == resumed.runs, "\(name) cut at \(length)")
          try Self.expectConsistent(path, resumed, of: runs, "\(name) cut at \(length)")
        }
        if length == bytes.count { #expect(count == 3) }
        try FileManager.default.removeItem(atPath: path)
      }
      // Of lock_holds.csv the first repetition has no rows, so that no cut can touch it.
      #expect(counts == (name == "lock_holds.csv" ? [1, 2, 3] : [0, 1, 2, 3]))
    }
  }

  /// Whether EXPERIMENT.csv is there with its header alone, or not at all, is the same.
  static func withoutEmptyExperiment(_ files: [String: [UInt8]]) -> [String: [UInt8]] {
    files.filter {
      !["scan.csv", "events.csv", "coverage.csv"].contains($0.key) || $0.value.count { $0 == UInt8(ascii: "\n") } > 1
    }
  }

  @Test("a torn run goes on, and ends as if it had never been torn")
  func goesOn() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let runs = try Self.write(path)
      let whole = try RunFixtures.snapshot(path)
      for name in Self.csvFiles {
        let bytes = try RunFixtures.bytes(path + "/" + name)
        try RunFixtures.write(bytes.dropLast(5), to: path + "/" + name)
        let resumed = try RunFolder.resume(at: path)
        #expect(resumed.runs == Array(runs.dropLast()))
        #expect(resumed.lost == (name == "runs.csv" ? [] : [runs[2].key]))
        try resumed.folder.commit(
          runs[2], zones: RunFixtures.zones(of: runs[2]), holds: RunFixtures.holds(of: runs[2], count: 2),
          holdSequence: HoldSequence([2, .max], preempted: [1]), experiment: RunFixtures.experiment(of: runs[2]),
          events: RunFixtures.events(of: runs[2]), coverage: RunFixtures.coverage(of: runs[2]))
        #expect(try RunFixtures.snapshot(path) == whole, "\(name)")
      }
    }
  }

  @Test("rows, sequences and temporary files of a repetition that isn't committed are dropped")
  func uncommitted() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let runs = try Self.write(path)
      let whole = try RunFixtures.snapshot(path)
      let next = RunFixtures.run(cell: "c9", repetition: 4)
      try CSVWriter(appendingTo: path + "/zones.csv").append(RunFixtures.zones(of: next))
      try CSVWriter(appendingTo: path + "/lock_holds.csv").append(RunFixtures.holds(of: next))
      try CSVWriter(appendingTo: path + "/scan.csv").append([["r1", "c9", "4", "1", nil]])
      try CSVWriter(appendingTo: path + "/events.csv").append(RunFixtures.events(of: next))
      try CSVWriter(appendingTo: path + "/coverage.csv").append(RunFixtures.coverage(of: next))
      try RunFixtures.write([1, 2, 3], to: path + "/holds/c9-4.bin")
      try RunFixtures.write([1, 2, 3], to: path + "/meta.json.tmp")
      #expect(try RunReader(path: path).rows(ZoneRecord.self).count == 6)
      let resumed = try RunFolder.resume(at: path)
      #expect(resumed.runs == runs && resumed.lost.isEmpty)
      #expect(try RunFixtures.snapshot(path) == whole)
    }
  }

  @Test("a repetition whose hold sequence is torn at any byte is run again")
  func tornSequence() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let runs = try Self.write(path)
      let file = path + "/holds/c0-1.bin"
      let bytes = try RunFixtures.bytes(file)
      #expect(bytes.count == 64)
      for length in 0..<bytes.count {
        let copy = parent + "/torn"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try RunFixtures.write(bytes[..<length], to: copy + "/holds/c0-1.bin")
        let resumed = try RunFolder.resume(at: copy)
        #expect(resumed.lost == [runs[2].key])
        try Self.expectConsistent(copy, resumed, of: runs, "cut at \(length)")
        try FileManager.default.removeItem(atPath: copy)
      }
    }
  }

  @Test("a folder that was killed while it was made resumes")
  func killedEarly() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      _ = try RunFolder.create(at: path, meta: RunFixtures.meta)
      for name in ["runs.csv", "zones.csv", "lock_holds.csv"] {
        try FileManager.default.removeItem(atPath: path + "/" + name)
        let resumed = try RunFolder.resume(at: path)
        #expect(resumed.runs.isEmpty)
        #expect(FileManager.default.fileExists(atPath: path + "/" + name))
      }
    }
  }

  @Test("a finished run resumes with all it has, and may take more")
  func finishedRun() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let runs = try Self.write(path)
      try RunFolder.resume(at: path).folder.finish(cells: [], meta: RunFixtures.finished(RunFixtures.meta))
      let next = RunFixtures.run(cell: "c9", repetition: 0)
      do {
        let resumed = try RunFolder.resume(at: path)
        #expect(resumed.runs == runs)
        #expect(try resumed.folder.holdSequence(of: runs[0].key) == nil)
        // Even where the runner takes back that the run is finished, nothing counts as lost later.
        try resumed.folder.write(meta: RunFixtures.meta)
        try resumed.folder.commit(next, zones: RunFixtures.zones(of: next), holdSequence: HoldSequence([1]))
      }
      #expect(try RunFolder.resume(at: path).runs == runs + [next])
    }
  }

  @Test("a folder that holds something is refused and left alone")
  func refused() throws {
    try RunFixtures.withFolder { parent in
      try RunFixtures.write("mine".utf8, to: parent + "/notes.txt")
      let before = try RunFixtures.snapshot(parent)
      let error = #expect(throws: UserError.self) { try RunFolder.create(at: parent, meta: RunFixtures.meta) }
      #expect(error?.kind == .usage && error?.exitStatus == 64)
      #expect(try RunFixtures.snapshot(parent) == before)
      // A run is none to make a new one in either.
      _ = try Self.write(parent + "/run")
      let run = try RunFixtures.snapshot(parent)
      #expect(throws: UserError.self) { try RunFolder.create(at: parent + "/run", meta: RunFixtures.meta) }
      #expect(try RunFixtures.snapshot(parent) == run)
      // An empty one is.
      try FileManager.default.createDirectory(atPath: parent + "/empty", withIntermediateDirectories: false)
      _ = try RunFolder.create(at: parent + "/empty", meta: RunFixtures.meta)
    }
  }

  @Test("a place that can't be written is a typed error, and nothing stays")
  func unwritable() throws {
    try RunFixtures.withFolder { parent in
      try RunFixtures.write("x".utf8, to: parent + "/file")
      for path in [parent + "/file/run", parent + "/file/a/run", parent + "/file"] {
        let error = #expect(throws: UserError.self) { try RunFolder.create(at: path, meta: RunFixtures.meta) }
        #expect(error?.kind == .io && error?.errno == ENOTDIR && error?.exitStatus == 74, "\(path)")
      }
      #expect(try RunFixtures.snapshot(parent) == ["file": Array("x".utf8)])
      // Not even root writes here.
      let error = #expect(throws: UserError.self) {
        try RunFolder.create(at: "/proc/self/fd/run", meta: RunFixtures.meta)
      }
      #expect(error?.kind == .io)
      if geteuid() != 0 {
        try FileManager.default.createDirectory(
          atPath: parent + "/closed", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
        let error = #expect(throws: UserError.self) {
          try RunFolder.create(at: parent + "/closed/run", meta: RunFixtures.meta)
        }
        #expect(error?.errno == EACCES)
      }
    }
  }

  @Test("a full disk during a commit keeps what was committed, and nothing of the rest")
  func fullDisk() async {
    await #expect(processExitsWith: .success) {
      try RunFixtures.withFolder { parent in
        let path = parent + "/run"
        let folder = try RunFolder.create(at: path, meta: RunFixtures.meta)
        let first = RunFixtures.run(cell: "c0", repetition: 0)
        let second = RunFixtures.run(cell: "c0", repetition: 1)
        try folder.commit(first, zones: RunFixtures.zones(of: first), holds: RunFixtures.holds(of: first))
        let before = try RunFixtures.snapshot(path)
        // The side files may grow, runs.csv, the largest, may not.
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(3) }
        limit.rlim_cur = rlim_t(try RunFixtures.bytes(path + "/runs.csv").count + 7)
        guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(4) }
        do throws(UserError) {
          try folder.commit(second, zones: RunFixtures.zones(of: second), holds: RunFixtures.holds(of: second))
          exit(5)
        } catch {
          guard error.exitStatus == 74, error.path == path + "/runs.csv" else { exit(6) }
        }
        guard try RunFixtures.snapshot(path) == before else { exit(7) }
        // With space again the same repetition can be committed.
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(8) }
        try folder.commit(second, zones: RunFixtures.zones(of: second))
        guard try RunReader(path: path).runs == [first, second] else { exit(9) }
      }
      exit(0)
    }
  }

  @Test("two processes can't write one run")
  func locked() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let folder = try RunFolder.create(at: path, meta: RunFixtures.meta)
      let error = #expect(throws: UserError.self) { try RunFolder.resume(at: path) }
      #expect(error?.kind == .io && error?.problem.hasPrefix("cannot lock") == true)
      #expect(throws: UserError.self) { try RunFolder.create(at: path, meta: RunFixtures.meta) }
      try folder.commit(RunFixtures.run(cell: "c0", repetition: 0))
    }
  }

  @Test("meta.json that is missing, broken or of another schema is an input error")
  func meta() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      func error() -> UserError? {
        let reading = #expect(throws: UserError.self) { try RunReader(path: path) }
        let resuming = #expect(throws: UserError.self) { try RunFolder.resume(at: path) }
        #expect(reading == resuming)
        #expect(reading?.kind == .input && reading?.exitStatus == 65 && reading?.path == path + "/meta.json")
        return reading
      }
      #expect(error()?.problem == "there is no such file")
      _ = try Self.write(path)
      let text = try RunFixtures.text(path + "/meta.json")
      try RunFixtures.write(text.utf8.dropLast(10), to: path + "/meta.json")
      #expect(error()?.problem == "not JSON")
      let newer = text.replacingOccurrences(of: "\"schema_version\" : 11", with: "\"schema_version\" : 12")
      try RunFixtures.write(newer.utf8, to: path + "/meta.json")
      #expect(error()?.problem == "schema_version is 12")
      let other = text.replacingOccurrences(of: "\"seed\" : 7", with: "\"seed\" : \"x\"")
      try RunFixtures.write(other.utf8, to: path + "/meta.json")
      #expect(error()?.problem == "seed has another type")
      let lacking = text.replacingOccurrences(of: "\"run_id\"", with: "\"id\"")
      try RunFixtures.write(lacking.utf8, to: path + "/meta.json")
      #expect(error()?.problem == "run_id is missing")
      try RunFixtures.write(text.utf8, to: path + "/meta.json")
      #expect(try RunFolder.resume(at: path).meta == RunFixtures.meta)
    }
  }

  @Test("a field or a header that isn't ours is told by file and line, and nothing is changed")
  func malformed() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      _ = try Self.write(path)
      let original = try RunFixtures.text(path + "/runs.csv")
      func error(_ text: String) throws -> UserError? {
        try RunFixtures.write(text.utf8, to: path + "/runs.csv")
        let before = try RunFixtures.snapshot(path)
        let error = #expect(throws: UserError.self) { try RunFolder.resume(at: path) }
        #expect(error?.kind == .input && error?.path == path + "/runs.csv")
        #expect(try RunFixtures.snapshot(path) == before)
        return error
      }
      let field = try error(original.replacingOccurrences(of: ",complete,", with: ",done,"))
      // The header is line 1, and the branch's name in the row has a line feed.
      #expect(field?.line == 2 && field?.problem == "outcome can't be \"done\"")
      let second = try error(original.replacingOccurrences(of: "page-reporting:order=9,1,", with: "x,y,"))
      #expect(second?.line == 6 && second?.problem == "repetition can't be \"y\"")
      #expect(try error(original.replacingOccurrences(of: "scan_ns", with: "scan_ms"))?.line == 1)
      #expect(
        try error(original.replacingOccurrences(of: "run_id,cell_id", with: "cell_id,run_id"))?.problem
          == "the columns stand in another order")
    }
  }

  @Test("a row that stands twice is taken once")
  func twice() throws {
    try RunFixtures.withFolder { parent in
      let path = parent + "/run"
      let runs = try Self.write(path)
      let whole = try RunFixtures.snapshot(path)
      try CSVWriter(appendingTo: path + "/runs.csv").append([runs[1]])
      #expect(try RunFolder.resume(at: path).runs == runs)
      #expect(try RunFixtures.snapshot(path) == whole)
    }
  }
}
