import CHost
import Machine
import TestSupport
import Testing

@Suite struct PlacementTests {
  private static let bytes = 1 << 20

  /// Places memory on every node of a machine and asks where it is: what a user of the seam does.
  private func placeOnEachNode(_ host: some NumaHost) throws -> [Int] {
    try host.nodes.map { node in
      let memory = try #require(chost_reserve(Self.bytes, 4096))
      defer { _ = chost_release(memory, Self.bytes) }
      try host.bind(memory, bytes: Self.bytes, toNode: node.id)
      if !(host is FakeNumaHost) { memory.storeBytes(of: 1, as: UInt8.self) }
      return try host.nodeOf(memory)
    }
  }

  @Test func fourNodesGetTheirOwnMemory() throws {
    let host = FakeNumaHost()
    #expect(host.nodes.count == 4)
    #expect(try placeOnEachNode(host) == [0, 1, 2, 3])
  }

  @Test func memoryOfThisMachineLiesWhereItWasBound() throws {
    let host = LibNuma()
    #expect(!host.nodes.isEmpty)
    #expect(try placeOnEachNode(host) == host.nodes.map(\.id))
  }

  @Test func thisMachinesNodesHoldItsCPUs() throws {
    let cpus = Set(LibNuma().nodes.flatMap(\.cpus))
    let allowed = try onOwnThread { Result { try ThreadPlacement.allowedCPUs() } }.get()
    #expect(cpus.isSuperset(of: allowed))
    #expect(LibNuma().nodes.contains { ($0.memoryBytes ?? 0) > 0 })
  }

  @Test(arguments: [-1, 12345]) func aNodeThatIsNotThereIsRefused(_ node: Int) throws {
    let memory = try #require(chost_reserve(Self.bytes, 4096))
    defer { _ = chost_release(memory, Self.bytes) }
    #expect(throws: NumaError.unknownNode(node)) { try LibNuma().bind(memory, bytes: Self.bytes, toNode: node) }
  }

  @Test func untouchedMemoryLiesOnNoNode() throws {
    let host = LibNuma()
    guard host.isAvailable else { return }
    let memory = try #require(chost_reserve(Self.bytes, 4096))
    defer { _ = chost_release(memory, Self.bytes) }
    #expect(throws: NumaError.notPresent) { try host.nodeOf(memory + 12345) }
  }

  @Test func memoryAtNoPageStartIsRefused() throws {
    let host = LibNuma()
    guard host.isAvailable else { return }
    let memory = try #require(chost_reserve(Self.bytes, 4096))
    defer { _ = chost_release(memory, Self.bytes) }
    let node = host.nodes[0].id
    #expect(throws: NumaError.self) { try host.bind(memory + 1, bytes: 4096, toNode: node) }
  }

  @Test func aPinnedThreadRunsWhereItWasPut() throws {
    let result = onOwnThread {
      Result {
        let cpu = try #require(try ThreadPlacement.allowedCPUs().last)
        try ThreadPlacement.pin(toCPU: cpu)
        return (cpu, try ThreadPlacement.allowedCPUs(), ThreadPlacement.currentCPU)
      }
    }
    let (cpu, allowed, current) = try result.get()
    #expect(allowed == [cpu])
    #expect(current == cpu)
  }

  @Test(arguments: [-1, 1023, 1024, 1 << 20, .max, .min]) func aCPUThatIsNotThereIsRefused(_ cpu: Int) {
    let refused = onOwnThread {
      do throws(SystemCallError) {
        try ThreadPlacement.pin(toCPU: cpu)
        return false
      } catch {
        return error.description.contains("CPU \(cpu)")
      }
    }
    #expect(refused)
  }
}
