/// The stream from a migration's source to its destination. A header is a little-endian word: a page number in bits
/// 63..12, and one of these kinds below.
enum StreamFormat {
  /// 4096 bytes of content follow.
  static let page: UInt64 = 1
  /// The page is zero; its one byte follows.
  static let zeroPage: UInt64 = 2
  /// Nothing follows. The destination answers with the header once it has received everything before it.
  static let flush: UInt64 = 3
  /// A page count and a seed follow, one word each. The destination answers with each page's hash, one word each.
  static let hashes: UInt64 = 4

  static func header(_ kind: UInt64, _ page: Int) -> UInt64 { UInt64(page) << 12 | kind }
  static func kind(_ header: UInt64) -> UInt64 { header & 0xfff }
  static func page(_ header: UInt64) -> Int { Int(header >> 12) }

  /// The most hashes requested at once, so that the answer fits into a socket's buffer.
  static let mostHashes = 8192
}
