import Experiments
import Foundation
import LinuxGuest
import Records
import Reporting
import Testing

/// Real guests. One after another: each has more CPUs than this machine may have.
@Suite(.serialized, .enabled(if: GuestFiles.areWanted, "\(GuestFiles.whyNot)")) struct GuestTests {
  @Test func whatCommandsLeaveComesBack() throws {
    let guest = GuestFiles.guest(nodes: 1)
    let words = #"printf 'end\nresult 0 0 0\n\000\377\r\n'; echo complaint >&2; exit 7"#
    let run = try guest.run(
      [words, "head -c 300000 /dev/urandom >/tmp/random; md5sum </tmp/random", "no-such-program", "kill -9 $$"],
      returning: ["/tmp/random", "/tmp/absent", "/guest"])
    print("1 node: \(run.duration)")
    #expect(run.results.map(\.status) == [7, 0, 127, 137])
    #expect(run.results[0].standardOutput == Array("end\nresult 0 0 0\n\0".utf8) + [0xff, 0x0d, 0x0a])
    #expect(run.results[0].standardError == Array("complaint\n".utf8))
    #expect(run.results[2].standardError.count > 0)
    #expect(run.files["/tmp/random"]?.count == 300000)
    #expect(run.files["/guest/command2"] == Array("no-such-program\n".utf8))
    #expect(run.files["/tmp/absent"] == nil)
    // The same bytes, by another's count.
    let copy = NSTemporaryDirectory() + "hintbench-random-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try Data(run.files["/tmp/random"] ?? []).write(to: URL(fileURLWithPath: copy))
    let sum = try #require(Here.output(of: "md5sum", copy))
    #expect(run.results[1].text.prefix(32) == sum.prefix(32))
  }

  @Test func aKernelsPanicIsTold() throws {
    let guest = GuestFiles.guest(nodes: 1)
    let error = #expect(throws: LinuxGuestError.self) { try guest.run(["true", "echo c >/proc/sysrq-trigger"]) }
    guard case .panicked(let line, let phase) = error else {
      Issue.record("\(error.map(String.init(describing:)) ?? "no error")")
      return
    }
    print(line)
    #expect(line.contains("sysrq triggered crash"))
    #expect(phase.hasPrefix("command 2 of 2"))
  }

  /// hintbench binds each node of its guests to a node of its host, and says so; the kernel is asked whether it is
  /// true.
  @Test(arguments: [2, 4]) func memoryLiesOnTheNodeItWasBoundTo(nodes: Int) throws {
    let guest = GuestFiles.guest(nodes: nodes, cpusPerNode: 4 / nodes)
    let run = try guest.run(
      [
        "cat /sys/devices/system/node/online",
        "cd /sys/devices/system/node && for node in node[0-9]*; do echo $node $(cat $node/cpulist); done",
        "hintbench list strategies",
        Self.watched("hintbench \(Self.words(nodes: nodes)) --out /tmp/spread"),
        "taskset -c 3 hintbench \(Self.words(nodes: 1)) --repetitions 1 --out /tmp/pinned",
        Self.watched("hintbench \(Self.words(nodes: 2)) --placement matrix --repetitions 1 --out /tmp/matrix"),
        "hintbench \(Self.words(nodes: nodes)) --scanners per-node --repetitions 1 --out /tmp/scanners",
        "hintbench doctor --seconds 0",
      ], returning: ["/tmp/spread", "/tmp/pinned", "/tmp/matrix", "/tmp/scanners"], within: .seconds(240))
    print("\(nodes) nodes: \(run.duration)")
    for result in run.results { #expect(result.status == 0, "\(result)") }
    #expect(run.results[0].text == "0-\(nodes - 1)\n")
    #expect(run.results[1].text == Self.cpuLists(nodes: nodes))
    #expect(run.results[2].text.contains("page-reporting"))

    // What the kernel says of hintbench's memory.
    for map in [NumaMap(run.results[3].text), NumaMap(run.results[5].text)] {
      #expect(map.misplaced.isEmpty, "\(map)")
      for node in 0..<nodes { #expect(map.pages(ofNode: node) > 0, "node \(node) of\n\(map)") }
    }

    // What hintbench says itself.
    let spread = try Self.folder(run, "/tmp/spread")
    defer { spread.remove() }
    #expect(!spread.reader.runs.isEmpty)
    for record in spread.reader.runs {
      #expect(record.load.scanCPU == 0)
      #expect(record.load.scanNode == 0)
      #expect(record.load.memoryNode == nil, "its memory lies on several")
    }
    let zones = try spread.reader.rows(ZoneRecord.self)
    #expect(Set(zones.map(\.node)) == Set(0..<nodes))
    for zone in zones { #expect(zone.hostNode == zone.node) }

    let pinned = try Self.folder(run, "/tmp/pinned")
    defer { pinned.remove() }
    #expect(!pinned.reader.runs.isEmpty)
    for record in pinned.reader.runs {
      #expect(record.load.scanCPU == 3)
      #expect(record.load.scanNode == nodes - 1)
      #expect(record.load.memoryNode == 0)
    }
    try Self.expectEveryPair(run, nodes)
    try Self.expectAScannerANode(run, nodes)
    Self.expectDiagnosis(run.results[7], nodes)
  }

  /// `--placement matrix`: the scanner on each node with the memory on each.
  private static func expectEveryPair(_ run: GuestRun, _ nodes: Int) throws {
    let matrix = try folder(run, "/tmp/matrix")
    defer { matrix.remove() }
    let pairs = matrix.reader.runs.filter { $0.identity.strategy.hasPrefix("step-iterator") }
      .map { [$0.load.scanNode, $0.load.memoryNode] }
    #expect(pairs.count == nodes * nodes)
    #expect(Set(pairs) == Set((0..<nodes).flatMap { scan in (0..<nodes).map { [scan, $0] } }))
    for record in matrix.reader.runs {
      let cpusPerNode = 4 / nodes
      #expect(record.load.scanCPU.map { $0 / cpusPerNode } == record.load.scanNode)
    }
    let zones = Dictionary(grouping: try matrix.reader.rows(ZoneRecord.self), by: \.cellID)
    for record in matrix.reader.runs {
      #expect(zones[record.identity.cellID]?.allSatisfy { $0.hostNode == record.load.memoryNode } == true)
    }
  }

  /// `--scanners per-node`: each on the host node of the memory it scans.
  private static func expectAScannerANode(_ run: GuestRun, _ nodes: Int) throws {
    let scanners = try folder(run, "/tmp/scanners")
    defer { scanners.remove() }
    let rows = try scanners.reader.rows(ofExperiment: "scan").filter { $0["scanner_lock_acquisitions"] != "0" }
    // The strategy's, and the allocator's beside it.
    #expect(rows.count == 2 * nodes)
    for row in rows {
      let node = try #require(row["scanner_node"])
      #expect(row["scanner_host_node"] == node && row["scanner_memory_node"] == node)
    }
    #expect(Set(rows.map { $0["scanner_cpu"] }).count == nodes, "no two on one CPU")
    #expect(scanners.reader.runs.allSatisfy { $0.load.scanCPU == nil && $0.load.scanNode == nil })
  }

  /// `doctor` has bound a page to each node and looked it up, and says what else this bare machine lacks.
  private static func expectDiagnosis(_ result: CommandResult, _ nodes: Int) {
    let lines = result.text.split(separator: "\n").filter { $0.hasPrefix("numa-node ") }
    #expect(lines.count == nodes, "\(result.text)")
    for (node, line) in lines.enumerated() {
      #expect(line.contains("id=\(node) ") && line.contains(" binds=yes page_lies_on=\(node)"), "\(line)")
    }
    #expect(result.text.contains("no valgrind in PATH"), "\(result.text)")
  }

  private static func words(nodes: Int) -> String {
    "run --guest 512M --nodes \(nodes) --state fresh --strategy none,step-iterator --cache warm --counters off"
  }

  /// The command, and then all that /proc ever said of the memory it bound, a line once: at any one moment guests may
  /// be half built or half given back. Its own words go to standard error.
  private static func watched(_ command: String) -> String {
    """
    \(command) >&2 &
    process=$!
    while kill -0 $process; do
      grep bind: /proc/$process/numa_maps
      usleep 100000
    done 2>/dev/null | sort -u >/tmp/seen
    wait $process
    status=$?
    cat /tmp/seen
    exit $status
    """
  }

  /// The CPUs of each node as the kernel writes them: four CPUs, shared out.
  private static func cpuLists(nodes: Int) -> String {
    (0..<nodes).map { nodes == 4 ? "node\($0) \($0)\n" : "node\($0) \(2 * $0)-\(2 * $0 + 1)\n" }.joined()
  }

  /// A run's folder, brought here.
  private struct Folder {
    var path: String
    var reader: RunReader
    func remove() { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func folder(_ run: GuestRun, _ prefix: String) throws -> Folder {
    let path = NSTemporaryDirectory() + "hintbench-guest-run-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    do {
      for (name, bytes) in run.files where name.hasPrefix(prefix + "/") {
        try Data(bytes).write(to: URL(fileURLWithPath: path + name.dropFirst(prefix.count)))
      }
      return Folder(path: path, reader: try RunReader(path: path))
    } catch {
      try? FileManager.default.removeItem(atPath: path)
      throw error
    }
  }
}
