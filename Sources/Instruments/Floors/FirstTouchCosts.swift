import CHost
import Machine

/// Measures the first touch of memory that was given back to the system: the page fault, with the zeroing in it.
///
/// What a guest pays on top where the memory is its own, an exit and a fault in the second-level page table, isn't in it.
package enum FirstTouchCosts {
  /// The memory a round works on. Bytes.
  package static func regionBytes(_ page: HostPage) -> Int { page == .small ? 16 << 20 : 64 << 20 }

  /// Measures pages of one size.
  ///
  /// - Parameter mapping: populated, wholly in such pages.
  /// - Throws: ``SystemCallError``
  package static func pages(_ mapping: HostMapping, rounds: Int) throws(SystemCallError) -> RungFigure {
    try RungFigure(rounds: rounds, operations: mapping.bytes / mapping.page.rawValue) { _ throws(SystemCallError) in
      try mapping.discard(mapping.bytes)
      let begin = CycleClock.begin()
      mapping.touch()
      return CycleClock.ticks(from: begin, to: CycleClock.end())
    }
  }

  /// The pages of 4 KiB that are punched into each page of 2 MiB.
  private static let punched = 32

  /// Measures pages of 4 KiB that were punched into populated pages of 2 MiB, which splits those.
  ///
  /// - Throws: ``SystemCallError``
  package static func splitPages(rounds: Int) throws(SystemCallError) -> RungFigure {
    let huge = HostPage.huge.rawValue
    let bytes = regionBytes(.huge)
    let places = (0..<bytes / huge).flatMap { page in (0..<punched).map { page * huge + $0 * (huge / punched) } }
    return try RungFigure(rounds: rounds, operations: places.count) { _ throws(SystemCallError) in
      // A new mapping each round: a split page doesn't become whole by being given back and touched again.
      let mapping = try HostMapping(bytes: bytes, page: .huge)
      mapping.touch()
      for place in places { try mapping.discard(HostPage.small.rawValue, at: place) }
      let begin = CycleClock.begin()
      for place in places { mapping.base.storeBytes(of: 1, toByteOffset: place, as: UInt8.self) }
      let end = CycleClock.end()
      chost_consume_pointer(mapping.base)
      return CycleClock.ticks(from: begin, to: end)
    }
  }

  /// A populated mapping of this process wholly in pages of 2 MiB; nil if the kernel gives none, or doesn't tell.
  package static func hugeMapping() -> HostMapping? {
    guard let mapping = try? HostMapping(bytes: regionBytes(.huge), page: .huge) else { return nil }
    mapping.touch()
    return HugePageUse.ofMapping(around: mapping.base)?.isWhole == true ? mapping : nil
  }
}
