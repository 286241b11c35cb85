import Foundation

/// The longest hold that repeats: the maximum over k of the minimum over repetitions of hold k.
///
/// Without mutators hold k does the same work in every repetition, so what only one repetition shows is the machine's
/// noise and not the design's. It means nothing where the number of holds differs between repetitions; then there is
/// no value.
public struct RepeatableMaximum: Equatable, Sendable {
  /// Bytes that ``init(decoding:)`` cannot read as what ``encoded()`` wrote.
  public struct DecodingFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong with them, and where.
    public var description: String
  }

  /// The shortest length of each hold so far, in ticks; empty once the repetitions differ.
  public private(set) var shortest: [UInt64] = []
  /// How many repetitions were added.
  public private(set) var repetitions = 0
  /// Whether all repetitions so far had the same number of holds.
  public private(set) var isDeterministic = true

  public init() {}

  /// Adds a repetition: the lengths of its holds in ticks, in the order they happened.
  ///
  /// - Complexity: O(n).
  public mutating func add(_ sequence: [UInt64]) {
    defer { repetitions += 1 }
    guard isDeterministic else { return }
    guard repetitions > 0 else {
      shortest = sequence
      return
    }
    guard sequence.count == shortest.count else {
      isDeterministic = false
      shortest = []
      return
    }
    for k in shortest.indices where sequence[k] < shortest[k] { shortest[k] = sequence[k] }
  }

  /// Ticks; nil where there was no hold, no repetition, or repetitions with different numbers of holds. After one
  /// repetition it is that one's plain maximum.
  ///
  /// - Complexity: O(n).
  public var value: UInt64? { isDeterministic ? shortest.max() : nil }

  private static let magic: [UInt8] = Array("HBRM".utf8)
  private static let version: UInt8 = 1

  /// The state in a few bytes a hold: "HBRM", version, whether deterministic, then LEB128 numbers: repetitions, holds,
  /// and each hold's shortest length.
  public func encoded() -> Data {
    var bytes = Self.magic
    bytes.reserveCapacity(16 + 3 * shortest.count)
    bytes.append(Self.version)
    bytes.append(isDeterministic ? 1 : 0)
    func append(_ number: UInt64) {
      var rest = number
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    append(UInt64(repetitions))
    append(UInt64(shortest.count))
    for ticks in shortest { append(ticks) }
    return Data(bytes)
  }

  /// What ``encoded()`` wrote, whole.
  ///
  /// - Throws: ``DecodingFailure`` where the bytes are cut off, longer, or something else.
  public init(decoding data: Data) throws(DecodingFailure) {
    let bytes = [UInt8](data)
    var position = 6
    guard bytes.count >= position, Array(bytes[0..<4]) == Self.magic else {
      throw DecodingFailure(description: "not a repeatable maximum: the first four bytes are not HBRM")
    }
    guard bytes[4] == Self.version else {
      throw DecodingFailure(description: "repeatable maximum of version \(bytes[4]), version \(Self.version) is read")
    }
    guard bytes[5] <= 1 else { throw DecodingFailure(description: "byte 5 is \(bytes[5]), 0 or 1 is read") }
    func next() throws(DecodingFailure) -> UInt64 {
      var number: UInt64 = 0
      var shift: UInt64 = 0
      while true {
        guard position < bytes.count else { throw DecodingFailure(description: "cut off at byte \(position)") }
        let byte = bytes[position]
        position += 1
        guard shift < 63 || (shift == 63 && byte <= 1) else {
          throw DecodingFailure(description: "number beyond 64 bits before byte \(position)")
        }
        number |= UInt64(byte & 0x7f) << shift
        if byte & 0x80 == 0 { return number }
        shift += 7
      }
    }
    guard let repetitions = Int(exactly: try next()), let holds = Int(exactly: try next()),
      holds <= bytes.count - position
    else { throw DecodingFailure(description: "cut off: fewer bytes than holds") }
    var shortest: [UInt64] = []
    shortest.reserveCapacity(holds)
    for _ in 0..<holds { shortest.append(try next()) }
    guard position == bytes.count else {
      throw DecodingFailure(description: "\(bytes.count - position) bytes too many")
    }
    self.repetitions = repetitions
    self.shortest = shortest
    self.isDeterministic = bytes[5] == 1
  }
}

extension RepeatableMaximum: Codable {
  /// Decodes the bytes of ``encoded()`` held as one `Data` value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      self = try RepeatableMaximum(decoding: container.decode(Data.self))
    } catch let failure as DecodingFailure {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: failure.description)
    }
  }

  /// Encodes ``encoded()`` as one `Data` value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(encoded())
  }
}
