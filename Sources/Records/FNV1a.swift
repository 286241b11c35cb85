/// The 64-bit FNV-1a hash by Fowler, Noll and Vo, which is the same on every machine and in every process.
public struct FNV1a {
  /// The hash so far.
  public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  public init() {}

  public mutating func add(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }

  /// Adds the text's length, as eight little-endian bytes, and its UTF-8.
  public mutating func add(_ text: String) {
    withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { for byte in $0 { add(byte) } }
    for byte in text.utf8 { add(byte) }
  }
}
