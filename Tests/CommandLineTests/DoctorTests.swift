import Foundation
import Testing

/// `hintbench doctor` as a user calls it. What it finds is the machine's; that it finds something isn't.
@Suite struct DoctorCommandTests {
  static let rows = [
    "default run", "build", "hardware counters", "simulated counters", "clock", "pinning", "threads", "NUMA nodes",
    "huge pages", "memory", "governor", "boost", "SMT", "steal time", "virtualisation", "/dev/kvm", "qemu",
    "real-time migration",
  ]

  private static func expectWhole(_ result: Tool.Result) {
    for row in rows {
      let lines = result.outLines.filter { $0.hasPrefix(row + " ") }
      #expect(lines.count == 1, "\(row) in \(result)")
      let state = lines.first?.dropFirst(row.count).split(separator: " ").first.map(String.init)
      #expect(["ok", "limited", "missing"].contains(state), "\(row) in \(result)")
    }
    #expect(result.outLines.contains { $0.hasPrefix("numa-node id=") && $0.contains(" page_lies_on=") }, "\(result)")
    for size in ["8G", "64G", "1T", "4T", "16T", "100T"] {
      #expect(result.outLines.count { $0.hasPrefix(size + " ") } == 2, "\(size) in \(result)")
    }
    // What is limited or missing says why, or how to fix it.
    var isBad = false
    for line in result.outLines {
      if isBad { #expect(line.hasPrefix("  "), "nothing under a bad row, but '\(line)' in \(result)") }
      isBad = false
      guard let row = rows.first(where: { line.hasPrefix($0 + " ") }) else { continue }
      isBad = !line.dropFirst(row.count).split(separator: " ").starts(with: ["ok"])
    }
  }

  @Test func everythingIsLookedAt() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["doctor", "--seconds", "0", "--json", "doctor.json"], in: folder)
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      Self.expectWhole(result)
      #expect(result.out.contains("Noise: not measured (--seconds 0 leaves it out)."), "\(result)")
      #expect(Folder.names(folder) == ["doctor.json"])
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + "/doctor.json")))
      let report = try #require(json as? [String: Any])
      #expect((report["findings"] as? [[String: Any]])?.compactMap { $0["what"] as? String } == Self.rows)
      #expect((report["numa_nodes"] as? [Any])?.isEmpty == false && report["default_run_fails"] == nil)
    }
  }

  @Test func theNoiseIsShownByDefault() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["doctor", "--seconds", "1", "--json", "doctor.json"], in: folder)
      #expect(result.status == 0, "\(result)")
      #expect(result.out.contains("Noise: the same work repeated for 1 s"), "\(result)")
      for part in ["n=5", "n=40", "lock_hold_ns_p99", "lock_hold_ns_max_repeatable", "of them preempted"] {
        #expect(result.out.contains(part), "\(part) in \(result)")
      }
      let text = try String(contentsOfFile: folder + "/doctor.json", encoding: .utf8)
      #expect(text.contains("\"guest_cpu_ns\"") && text.contains("\"resolvable\""))
    }
  }

  /// As the first process' child in a guest without anything: no PATH, no home.
  @Test func anEmptyEnvironmentIsNoHindrance() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(
        ["doctor", "--seconds", "0"], in: folder, shell: "exec env -i HINTBENCH_ALLOW_DEBUG=1 \"$@\"")
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      Self.expectWhole(result)
    }
  }

  #if DEBUG
    @Test func aDebugBuildIsNoDefaultRun() throws {
      try Tool.withFolder { folder in
        let result = try Tool.run(["doctor"], in: folder, allowDebug: false)
        #expect(result.status == 69, "\(result)")
        Self.expectWhole(result)
        #expect(result.outLines.contains { $0.hasPrefix("default run ") && $0.contains(" missing ") }, "\(result)")
        #expect(result.out.contains("fix: swift build -c release --product hintbench"), "\(result)")
        #expect(result.err.split(separator: "\n").count == 1 && result.err.contains("debug build"), "\(result)")
        #expect(Folder.names(folder).isEmpty)
      }
    }
  #endif

  @Test(.disabled(if: Tool.isSanitized, "a sanitizer needs terabytes of address space of its own"))
  func aMachineWithoutAddressSpaceDoesNotRunTheDefault() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["doctor", "--seconds", "0"], in: folder, shell: "ulimit -v 4000000; exec \"$@\"")
      #expect(result.status == 69, "\(result)")
      Self.expectWhole(result)
      #expect(result.complaints.count == 1 && result.err.contains("default run"), "\(result)")
    }
  }

  @Test(arguments: [
    UsageTests.Case("--seconds -1", "invalid --seconds -1.0", "1 to 3600"),
    UsageTests.Case("--seconds 0.5", "invalid --seconds 0.5"),
    UsageTests.Case("--seconds 3601", "invalid --seconds 3601.0"),
    UsageTests.Case("--seconds nan", "invalid --seconds nan"),
    UsageTests.Case("--seconds inf", "invalid --seconds inf"),
    UsageTests.Case("--seconds 1e19", "invalid --seconds 1e+19"),
  ])
  func secondsOutOfRangeAreBadUsage(_ wrong: UsageTests.Case) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("doctor \(wrong.words) --json x", in: folder)
      #expect(result.status == 64 && result.out.isEmpty, "\(result)")
      #expect(result.complaints.count == 1, "\(result)")
      for text in wrong.says { #expect(result.err.contains(text), "'\(text)' in \(result)") }
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test(arguments: ["--seconds", "--seconds x", "--nope", "more", "--json"])
  func wordsThatMakeNoSenseAreBadUsage(_ words: String) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("doctor \(words)", in: folder)
      #expect(result.status == 64 && result.out.isEmpty && result.err.hasPrefix("Error: "), "\(result)")
    }
  }

  @Test func aFileThatCannotBeWrittenIsTold() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["doctor", "--seconds", "0", "--json", "none/doctor.json"], in: folder)
      #expect(result.status == 74 && result.complaints.count == 1, "\(result)")
      #expect(result.err.contains("none/doctor.json"), "\(result)")
    }
  }
}
