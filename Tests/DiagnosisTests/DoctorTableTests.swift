import Experiments
import Foundation
import Instruments
import Machine
import Records
import Reporting
import TestSupport
import Testing

@testable import Diagnosis

@Suite("What doctor prints")
struct DoctorTableTests {
  /// Ten seconds of two strategies.
  private static func makeNoise() throws -> NoiseReport {
    let text = """
      {"guest": "8G guest", "seconds": 10, "seed": 1, "cells": [
        {"strategy": "step-iterator:check=buddy", "repetitions": 30, "preempted": 2, "metrics": [
          {"name": "guest_cpu_ns", "unit": "ns", "median": 1500, "spread": 0.1, "difference": -0.01234,
           "resolvable": [0.5, 0.25, 0.125, null]},
          {"name": "ms_per_tib", "unit": "ms/TiB", "median": 75, "resolvable": [null, null, null, null]}]},
        {"strategy": "budgeted-resume", "repetitions": 29, "metrics": []}]}
      """
    return try JSONDecoder().decode(NoiseReport.self, from: Data(text.utf8))
  }

  /// Of two findings and one size.
  private static func report(noise: NoiseReport? = nil, missing: String? = nil) throws -> DoctorReport {
    let text = """
      {"findings": [
        {"what": "clock", "state": "ok", "found": "steady"},
        {"what": "a thing", "state": "missing", "found": "none", "why": "\(String(repeating: "because ", count: 40))",
         "mend": "\(String(repeating: "echo 1 | tee /a/long/file ", count: 8))x"}],
       "numa_nodes": [
        {"node": {"id": 0, "cpus": [0, 1]}, "page_lies_on": 0},
        {"node": {"id": 3, "cpus": [], "memory_bytes": 7}, "refusal": "no"}],
       "guests": [
        {"guest": "8G", "whole_blocks": true, "exact_2m_bytes": 1073741824, "exact_4k_bytes": 536870912,
         "automatic": {"granule_order": 0, "vmemmap": "2m", "bytes": 1073741824}},
        {"guest": "4T", "whole_blocks": false, "exact_2m_bytes": 2, "exact_4k_bytes": 1,
         "automatic": {"granule_order": 3, "vmemmap": "2m", "bytes": 1}, "exact_with": "--granule 0 --vmemmap 4k"},
        {"guest": "9P", "whole_blocks": false, "exact_2m_bytes": 2, "exact_4k_bytes": 1}],
       "host": {"caches": [], "numa_nodes": [], "build": {"mode": "release", "compiler": "c"}}}
      """
    var report = try JSONDecoder().decode(DoctorReport.self, from: Data(text.utf8))
    report.noise = noise
    report.noiseMissing = missing
    return report
  }

  @Test("a row a finding, sentences broken and commands never")
  func findings() throws {
    let report = try Self.report()
    let lines = DoctorTable(report, width: 100).text.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("clock") && $0.contains("ok") && $0.hasSuffix("steady") })
    #expect(lines.contains { $0.hasPrefix("a thing missing none") })
    let mend = try #require(report.findings[1].mend)
    #expect(lines.contains { $0.hasSuffix("fix: \(mend)") }, "one line, to be copied")
    let why = lines.filter { $0.contains("because") }
    #expect(why.count > 2 && why.allSatisfy { $0.count <= 100 } && why[0].contains("why: because"))
    #expect(why.reduce(0) { $0 + $1.components(separatedBy: "because").count - 1 } == 40)
  }

  @Test("a line a node, for programs")
  func nodes() throws {
    let lines = DoctorTable(try Self.report()).text.split(separator: "\n").filter { $0.hasPrefix("numa-node ") }
    #expect(
      lines == [
        "numa-node id=0 cpus=0-1 memory_bytes= free_bytes= binds=yes page_lies_on=0",
        "numa-node id=3 cpus= memory_bytes=7 free_bytes= binds=no page_lies_on=",
      ])
  }

  @Test("what a guest needs, and how to have it exact")
  func guests() throws {
    let text = DoctorTable(try Self.report()).text
    let rows = text.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
    #expect(rows.contains("8G all 1G 512M granule 0, 2m: 1G auto"))
    #expect(rows.contains("4T read-only 2 1 granule 3, 2m: 1 --granule 0 --vmemmap 4k"))
    #expect(rows.contains("9P read-only 2 1 doesn't fit not here"))
  }

  @Test("the noise, or why there is none")
  func noise() throws {
    #expect(DoctorTable(try Self.report(missing: "left out")).text.contains("Noise: not measured (left out)."))
    let text = DoctorTable(try Self.report(noise: Self.makeNoise())).text
    let rows = text.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
    #expect(rows.contains("step-iterator guest_cpu_ns 1.50 µs 10.0 % -1.23 % 50.0 % 25.0 % 12.5 % -"))
    #expect(rows.contains("ms_per_tib 75.0 ms/TiB - - - - - -"))
    #expect(rows.contains("strategy metric median spread A/A n=5 n=10 n=20 n=40"))
    #expect(text.contains("step-iterator 30 repetitions, 2 of them preempted"))
    #expect(text.contains("budgeted-resume 29 repetitions, preemption not told"))
    #expect(text.replacing("\n", with: " ").contains("From \(NoiseReport.draws) seeded resamples"))
  }

  @Test("the file has all of it, and a folder that isn't there is told")
  func file() throws {
    try withTemporaryFolder { folder in
      let report = try Self.report(noise: Self.makeNoise())
      try JSONFile(newAt: folder + "/doctor.json").write(report)
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/doctor.json"))
      #expect(try JSONDecoder.standard.decode(DoctorReport.self, from: data) == report)
      do {
        try JSONFile(newAt: folder + "/none/doctor.json").write(report)
        Issue.record("written into a folder that isn't there")
      } catch let error as UserError {
        #expect(error.exitStatus == 74)
      }
    }
  }
}
