import Foundation

/// Captures of real machines.
enum Captures {
  /// A capture as people publish it.
  static func published(_ name: String) -> String {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    return "\(tests)/GuestMemoryTests/Capture/Published/\(name).txt"
  }

  // A Debian machine of two nodes and 16 GiB.
  static let debian = """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      2      2
    Node 0, zone    DMA32      2      1      1      2      1      0      0      1      0      1    490
    Node 0, zone   Normal      2      0      1      1      2      2      0      2      1      2   1495
    Node 1, zone   Normal      1      1      1      2      2      1      3      1      1      3   1990

    """

  /// A buddyinfo's blocks from `order` up, added by eye: a row is "Node N, zone NAME" and a count an order.
  static func blocks(_ buddyinfo: String, fromOrder order: Int) -> Int {
    buddyinfo.split(separator: "\n").reduce(0) { sum, line in
      sum
        + line.split(separator: " ").dropFirst(4).enumerated().reduce(0) {
          $1.offset >= order ? $0 + (Int($1.element) ?? 0) : $0
        }
    }
  }
}
