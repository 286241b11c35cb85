import Bench
import Experiments
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records
import TestSupport
import Testing

/// Where threads and memory go on machines of several nodes, and that it is read back and not believed.
@Suite struct PlacementTests {
  typealias Fixtures = MatrixFixtures

  // MARK: cells

  private func config(_ change: (inout RunConfig) -> Void, nodes: Int = 1) -> RunConfig {
    var group = Fixtures.group(["256M"], ["step-iterator"])
    group.nodes = nodes
    var config = Fixtures.config(group, repetitions: 1)
    change(&config)
    return config
  }

  private func limits(_ nodes: [HostNode]) -> Matrix.HostResources {
    Matrix.HostResources(cpus: 8, availableBytes: 1 << 40, nodes: nodes)
  }

  @Test func aMatrixHasEveryPairOfHostNodes() throws {
    let host = FourNodes()
    let matrix = try Fixtures.matrix(config { $0.options["placement"] = ["matrix"] }, host: limits(host.nodes))
    let pairs = matrix.cells.map { [$0.scanNode, $0.guest.memoryNode] }
    #expect(pairs.count == 16 && Set(pairs).count == 16 && Set(matrix.cells.map(\.id)).count == 16)
    #expect(Set(pairs) == Set((10..<14).flatMap { scan in (10..<14).map { [scan, $0] } }))
    // A node without CPUs has nobody to scan on it, one without memory no guest.
    var nodes = host.nodes
    nodes[1].cpus = []
    nodes[2].memoryBytes = 0
    let some = try Fixtures.matrix(config { $0.options["placement"] = ["matrix"] }, host: limits(nodes))
    #expect(Set(some.cells.map(\.scanNode)) == [10, 12, 13])
    #expect(Set(some.cells.map(\.guest.memoryNode)) == [10, 11, 13])
    // Where nodes aren't known there is one.
    let one = try Fixtures.matrix(config { $0.options["placement"] = ["matrix"] }, host: limits([]))
    #expect(one.cells.map { [$0.scanNode, $0.guest.memoryNode] } == [[0, 0]])
  }

  @Test func aGuestMustFitOnTheNodesItIsBoundTo() throws {
    let nodes = FourNodes().nodes
    var group = Fixtures.group(["64G"], ["alloc-max-order"])
    group.vmemmap = "2m"
    func cells(_ placement: String, nodes guestNodes: Int) throws -> Int {
      group.nodes = guestNodes
      var config = Fixtures.config(group)
      config.options["placement"] = [placement]
      return try Fixtures.matrix(config, host: limits(nodes)).cells.count
    }
    // 1 GiB of memory map, and half a GiB free on each node.
    #expect(try cells("local", nodes: 4) == 1)
    for (placement, guestNodes) in [("local", 1), ("matrix", 4)] {
      let error = #expect(throws: UserError.self) { try cells(placement, nodes: guestNodes) }
      #expect(
        error?.kind == .unavailable && error?.description.contains("512M are available") == true, "\(error as Any)")
    }
  }

  @Test func scannersByNodeAreOtherCells() throws {
    let one = try Fixtures.matrix(config({ _ in }, nodes: 2))
    let two = try Fixtures.matrix(config({ $0.options["scanners"] = ["per-node"] }, nodes: 2))
    #expect(one.cells.count == 1 && two.cells.count == 1 && one.cells[0].id != two.cells[0].id)
    let host = Matrix.HostResources(cpus: 1, availableBytes: 1 << 40)
    #expect(try Matrix(config({ $0.options["scanners"] = ["per-node"] }, nodes: 2), host: host).cells[0].oversubscribed)
    #expect(try !Matrix(config({ _ in }, nodes: 2), host: host).cells[0].oversubscribed)

    var mixed = config({ $0.options["scanners"] = ["per-node"] }, nodes: 2)
    mixed.groups[0].strategies = ["page-reporting", "none", "bitmap-hinting"]
    let matrix = try Fixtures.matrix(mixed)
    #expect(matrix.cells.map(\.strategy.card.name) == ["none"])
    #expect(matrix.omissions.count == 2 && matrix.omissions.allSatisfy { $0.contains("hooks") })
    mixed.groups[0].strategies = ["page-reporting"]
    #expect(throws: UserError.self) { try Fixtures.matrix(mixed) }
  }

  // MARK: runs

  @Test func whereMemoryLiesIsReadBack() throws {
    for guestNodes in [1, 2, 4] {
      let run = try MatrixRun.run(Fixtures.matrix(config({ _ in }, nodes: guestNodes)), numa: FourNodes())
      let guest = try #require(run.guests.first)
      let text = String(decoding: try JSONEncoder.standard.encode(guest), as: UTF8.self)
      #expect(text.components(separatedBy: "bound_to_host_node").count == guestNodes + 1, "\(text)")
      #expect(!text.contains("unreadable"))
    }
    // One page in so many lies elsewhere than the kernel said.
    for strays: UInt in [1, 7, 100] {
      let error = #expect(throws: UserError.self) {
        try MatrixRun.run(Fixtures.matrix(config({ _ in }, nodes: 2)), numa: FourNodes(strays: strays))
      }
      #expect(error?.kind == .unavailable && error?.description.contains("bound to host node 11") == true)
    }
  }

  @Test func inAMatrixEveryRowSaysWhereItWas() throws {
    let allowed = try ThreadPlacement.allowedCPUs()
    // Two nodes that this machine's CPUs are shared out to, and two without any.
    let cpus = [[allowed[0]], Array(allowed.dropFirst().prefix(1)), [], []]
    let host = FourNodes(cpus: cpus)
    let matrix = try Fixtures.matrix(config { $0.options["placement"] = ["matrix"] }, host: limits(host.nodes))
    let run = try MatrixRun.run(matrix, numa: host)
    #expect(run.observer.results.count == 4 * cpus.count { !$0.isEmpty })
    for result in run.observer.results {
      let cell = try #require(matrix.cells.first { $0.id == result.run.identity.cellID })
      #expect(result.run.load.memoryNode == cell.guest.memoryNode)
      #expect(result.run.load.scanNode == cell.scanNode)
      #expect(result.run.load.scanCPU.map { [$0] } == cpus[(cell.scanNode ?? 0) - 10])
      #expect(result.zones.allSatisfy { $0.hostNode == cell.guest.memoryNode })
      let summary = run.cells.first { $0.cellID == cell.id }
      #expect(summary?.scanNode == cell.scanNode && summary?.memoryNode == cell.guest.memoryNode)
    }
  }

  // MARK: several scanners

  /// They report the same together as one alone, and each its own node's.
  @Test(arguments: ["fresh", "aged"], [1, 2, 3])
  func scannersOfAllNodesReportWhatOneReports(state: String, nodes: Int) throws {
    let names = Strategies.all.filter { $0.card.trigger == .command && ($0.card.reports || $0.card.isControl) }
      .map(\.card.name)
    var group = Fixtures.group(["512M"], states: [state], names)
    group.nodes = nodes
    var config = Fixtures.config(group)
    let alone = try MatrixRun.run(Fixtures.matrix(config))
    config.options["scanners"] = ["per-node"]
    let together = try MatrixRun.run(Fixtures.matrix(config))
    #expect(together.observer.results.count == 2 * names.count && together.errors.isEmpty)
    for result in together.observer.results {
      let name = result.run.identity.strategy
      let other = try #require(
        alone.observer.results.first {
          $0.run.identity.strategy == name && $0.run.identity.repetition == result.run.identity.repetition
        })
      let effect = try #require(Strategies.all.first { name.hasPrefix($0.card.name) }).card.effect
      #expect(result.run.found.blocksFree == other.run.found.blocksFree)
      #expect(result.run.found.outcome == .complete && other.run.found.outcome == .complete, "\(name)")
      #expect(result.run.found.blocksDuplicate == 0)
      if effect == .readsOnly {
        #expect(result.run.found.blocksReported == other.run.found.blocksReported, "\(name)")
        #expect(result.run.found.coverage == other.run.found.coverage, "\(name)")
        #expect(result.zones.map(\.blocksReported) == other.zones.map(\.blocksReported), "\(name)")
        #expect(result.run.lock.acquisitions == other.run.lock.acquisitions, "\(name)")
      } else {
        // Each keeps a buffer of its own, or leaves its own reserves.
        #expect((result.run.found.blocksReported ?? 0) > 0)
        #expect(
          result.zones.filter { ($0.blocksReported ?? 0) > 0 }.map(\.node).reduce(into: Set<Int>()) { $0.insert($1) }
            == Set(0..<nodes), "\(name)")
      }
      expectScanners(result, nodes: nodes)
    }
  }

  private func expectScanners(_ result: RepetitionResult, nodes: Int) {
    guard nodes > 1 else {
      #expect(result.experiment == nil && result.run.load.scanCPU != nil)
      return
    }
    #expect(result.run.load.scanCPU == nil)
    guard let rows = result.experiment else {
      Issue.record("no scan.csv")
      return
    }
    func column(_ name: String) -> [String?] {
      guard let index = rows.columns.firstIndex(of: name) else { return [] }
      return rows.rows.map { $0[index] }
    }
    #expect(column("scanner_node") == (0..<nodes).map(String.init))
    #expect(Set(column("scanner_guest_cpu")).count == nodes)
    let holds = column("scanner_lock_acquisitions").compactMap { $0.flatMap { Int($0) } }
    #expect(holds.reduce(0, +) == result.run.lock.acquisitions)
    // The whole takes at least as long as each of its parts.
    let parts = column("scanner_scan_ns").compactMap { $0.flatMap { Double($0) } }
    #expect(parts.count == nodes && parts.allSatisfy { $0 <= (result.run.speed.scanNs ?? 0) * 1.000001 })
    let cpu = column("scanner_cpu_ns").compactMap { $0.flatMap { Double($0) } }
    #expect(abs(cpu.reduce(0, +) - (result.run.speed.guestCPUNs ?? 0)) < 1)
  }

  @Test func severalScannersCountTogether() throws {
    var config = config({ $0.options["scanners"] = ["per-node"] }, nodes: 2)
    config.counters = "auto"
    let library = FakeCounters.library([.column(.cycles): 1000, .column(.instructions): 7])
    let run = try MatrixRun.run(Fixtures.matrix(config), library: library)
    let counters = try #require(run.observer.runs.first).counters
    #expect(counters.cycles == 2000 && counters.instructions == 14 && counters.source == "papi")
  }

  @Test func mutatorsHaveCPUsOfTheirOwn() throws {
    var config = config(
      {
        $0.options["scanners"] = ["per-node"]
        $0.options["load"] = ["mixed"]
        $0.options["mutators"] = ["3"]
      }, nodes: 2)
    config.groups[0].cpus = 5
    let run = try MatrixRun.run(Fixtures.matrix(config))
    #expect(run.errors.isEmpty && run.observer.results.count == 1)
    config.groups[0].cpus = 4
    let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
    #expect(error?.kind == .usage && error?.description.contains("--cpus 5") == true)
  }
}
