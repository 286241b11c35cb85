import Machine

/// A machine with four nodes of two CPUs, which keeps what is asked of it.
///
/// `@unchecked Sendable`: each test uses its own, on one thread.
public final class FourNodes: NumaHost, @unchecked Sendable {
  private var pieces: [(range: Range<UInt>, node: Int)] = []
  /// A kernel that says yes and leaves every so many pages where it likes; 0: none.
  private let strays: UInt
  /// How many CPUs the process may use of each node; nil: two, whether this machine has them or not.
  private let cpus: [[Int]]?

  public init(strays: UInt = 0, cpus: [[Int]]? = nil) {
    self.strays = strays
    self.cpus = cpus
  }

  public var bound: [Int] { pieces.map(\.node) }

  public var nodes: [HostNode] {
    (0..<4).map {
      HostNode(id: 10 + $0, cpus: cpus?[$0] ?? [2 * $0, 2 * $0 + 1], memoryBytes: 1 << 30, freeBytes: 1 << 29)
    }
  }

  public func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode node: Int) throws(NumaError) {
    guard nodes.contains(where: { $0.id == node }) else { throw .unknownNode(node) }
    let start = UInt(bitPattern: memory)
    pieces.append((start..<start + UInt(bytes), node))
  }

  public func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int {
    let address = UInt(bitPattern: address)
    if strays > 0 && address >> 12 % strays == 0 { return 10 }
    guard let piece = pieces.last(where: { $0.range.contains(address) }) else { return 10 }
    return piece.node
  }
}
