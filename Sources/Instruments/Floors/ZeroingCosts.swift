import CHost
import Glibc
import Machine

/// Measures zeroing populated memory page by page, as a kernel does.
package struct ZeroingCosts {
  /// The buffer size: larger than the second-level cache of any current processor, and small enough to be quick.
  private static let bufferBytes = 16 << 20
  private let mapping: HostMapping

  /// - Throws: ``SystemCallError`` if the host refuses the memory for a buffer of 16 MiB.
  package init() throws(SystemCallError) {
    // As the kernel maps its own memory; if huge pages are refused, small ones are measured.
    do { mapping = try HostMapping(bytes: Self.bufferBytes, page: .huge) } catch {
      mapping = try HostMapping(bytes: Self.bufferBytes, page: .small)
    }
    memset(mapping.base, 1, Self.bufferBytes)
  }

  /// Measures single, non-adjacent 4 KiB pages, as init_on_alloc zeroes them for order 0.
  package func scatteredPages(rounds: Int) -> RungFigure {
    let pages = Self.bufferBytes / 4096
    return RungFigure(rounds: rounds, operations: pages) { count in
      let begin = CycleClock.begin()
      var page = 0
      for _ in 0..<count {
        // Odd, so that each page of a power of two is visited once.
        page = (page &+ 1667) & (pages &- 1)
        clear(page)
      }
      return CycleClock.ticks(from: begin, to: CycleClock.end())
    }
  }

  /// Measures blocks of `bytes`, a power of two from 4 KiB to 16 MiB, page by page.
  package func blocks(of bytes: Int, rounds: Int) -> RungFigure {
    RungFigure(rounds: rounds, operations: Self.bufferBytes / bytes) { count in
      let begin = CycleClock.begin()
      for page in 0..<(count * bytes / 4096) { clear(page) }
      return CycleClock.ticks(from: begin, to: CycleClock.end())
    }
  }

  @inline(__always)
  private func clear(_ page: Int) {
    memset(mapping.base + page &* 4096, 0, 4096)
    chost_consume_pointer(mapping.base + page &* 4096)
  }
}
