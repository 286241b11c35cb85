import Machine

/// A simulated cache: sets of `ways` lines with LRU replacement.
public struct SimulatedCache: Equatable, Codable, Sendable {
  /// Bytes.
  public let sizeBytes: Int
  /// Lines per set.
  public let ways: Int
  /// Bytes.
  public let lineBytes: Int

  enum CodingKeys: String, CodingKey {
    case sizeBytes = "size_bytes"
    case ways
    case lineBytes = "line_bytes"
  }

  /// Creates the closest cache that can be simulated: valgrind requires a power of two of sets; otherwise the number of
  /// ways is increased, and the size reduced to full sets.
  ///
  /// - Parameters:
  ///   - sizeBytes: at least a line, otherwise a line is used.
  ///   - ways: at least 1.
  ///   - lineBytes: a power of two of at least 16, otherwise 64 is used.
  init(sizeBytes: Int, ways: Int, lineBytes: Int) {
    let line = lineBytes >= 16 && lineBytes.nonzeroBitCount == 1 ? lineBytes : 64
    let lines = max(sizeBytes / line, 1)
    let wanted = max(lines / ways, 1)
    let sets = 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
    self.ways = lines / sets
    self.lineBytes = line
    self.sizeBytes = sets * self.ways * line
  }

  /// The value of valgrind's option.
  var option: String { "\(sizeBytes),\(ways),\(lineBytes)" }
}

/// The caches that callgrind simulates: the first-level caches and the last-level one.
public struct SimulatedCaches: Equatable, Codable, Sendable {
  public let firstInstruction: SimulatedCache
  public let firstData: SimulatedCache
  public let last: SimulatedCache

  enum CodingKeys: String, CodingKey {
    case firstInstruction = "l1i"
    case firstData = "l1d"
    case last = "llc"
  }

  /// Creates the closest caches to these. Unknown ones are 32 KiB with 8 ways in the first level, and 8 MiB with 16
  /// ways in the last.
  public init(like caches: [HostCache]) {
    func simulated(_ cache: HostCache?, _ bytes: Int, _ ways: Int) -> SimulatedCache {
      guard let cache, let size = cache.sizeBytes, size > 0 else {
        return SimulatedCache(sizeBytes: bytes, ways: ways, lineBytes: 64)
      }
      return SimulatedCache(
        sizeBytes: size, ways: cache.ways.flatMap { (1...64).contains($0) ? $0 : nil } ?? ways,
        lineBytes: cache.lineBytes ?? 64)
    }
    let last = caches.filter { $0.type != "Instruction" && $0.level > 1 }.max { $0.level < $1.level }
    firstInstruction = simulated(caches.first { $0.level == 1 && $0.type != "Data" }, 32 << 10, 8)
    firstData = simulated(caches.first { $0.level == 1 && $0.type != "Instruction" }, 32 << 10, 8)
    self.last = simulated(last, 8 << 20, 16)
  }
}
