/// A cache of the first usable CPU, as in `/sys/devices/system/cpu/cpu*/cache`.
public struct HostCache: Equatable, Codable, Sendable {
  /// The level; 1 is the nearest.
  public var level: Int
  /// `Data`, `Instruction` or `Unified`.
  public var type: String
  /// Bytes.
  public var sizeBytes: Int?
  /// Bytes.
  public var lineBytes: Int?
  /// Lines per set; 0 if fully associative.
  public var ways: Int?

  enum CodingKeys: String, CodingKey {
    case level
    case type
    case sizeBytes = "size_bytes"
    case lineBytes = "line_bytes"
    case ways
  }

  public init(level: Int, type: String, sizeBytes: Int?, lineBytes: Int?, ways: Int? = nil) {
    self.level = level
    self.type = type
    self.sizeBytes = sizeBytes
    self.lineBytes = lineBytes
    self.ways = ways
  }

  /// The caches of `cpu`, in the kernel's order; empty if the kernel lists none.
  static func all(ofCPU cpu: Int, files: HostFiles) -> [HostCache] {
    let directory = "/sys/devices/system/cpu/cpu\(cpu)/cache"
    let indices = (files.entries(directory) ?? []).compactMap { name in
      name.hasPrefix("index") ? Int(name.dropFirst(5)) : nil
    }
    return indices.sorted().compactMap { index in
      let base = "\(directory)/index\(index)"
      guard let level = files.integer("\(base)/level"), let type = files.line("\(base)/type") else { return nil }
      return HostCache(
        level: level, type: type, sizeBytes: files.line("\(base)/size").flatMap(bytes),
        lineBytes: files.integer("\(base)/coherency_line_size"),
        ways: files.integer("\(base)/ways_of_associativity"))
    }
  }

  /// Parses `512K`, `32M` or plain bytes.
  private static func bytes(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    guard let unit = text.last else { return nil }
    guard let shift = shifts[unit] else { return Int(text) }
    return Int(text.dropLast()).flatMap { $0 >= 0 && $0 <= Int.max >> shift ? $0 << shift : nil }
  }
}
