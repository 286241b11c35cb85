/// How much of a machine's free memory each design returns in one session, for a terminal.
public struct ReturnedTable {
  private let orders: [Int]
  private let free: UInt64
  private let freeFromOrder: [UInt64]
  private let rows: [(strategy: String, bytes: [UInt64?])]

  /// - Parameters:
  ///   - orders: the lowest orders, a column each.
  ///   - free: all free memory. Bytes.
  ///   - freeFromOrder: what of it is in blocks of at least each order. Bytes.
  ///   - rows: what each design returns, by order; nil: nothing is known. Bytes.
  public init(
    orders: [Int], free: UInt64, freeFromOrder: [UInt64], rows: [(strategy: String, bytes: [UInt64?])]
  ) {
    self.orders = orders
    self.free = free
    self.freeFromOrder = freeFromOrder
    self.rows = rows
  }

  /// The table, with a line for what is free at all.
  public var text: String {
    let table = TableText.render(
      titles: ["MiB, lowest order"] + orders.map(String.init),
      rows: [["free in such blocks"] + freeFromOrder.map(Self.amount(of: free))]
        + rows.map { row in [row.strategy] + row.bytes.map { $0.map(Self.amount(of: free)) ?? Figure.missing } },
      leftAligned: [0])
    return "Returned by one session, of \(Figure.bytes(free)) on the free lists:\n\n\(table)"
  }

  /// MiB, and the share of all that is free.
  private static func amount(of free: UInt64) -> (UInt64) -> String {
    { bytes in
      let share = free == 0 ? 0 : Double(bytes) / Double(free) * 100
      return "\(Figure.number(Double(bytes) / 0x1p20, decimals: 0)) (\(Figure.number(share, decimals: 0)) %)"
    }
  }
}
