/// The host's state of a page's content. Guest page hinting, patch 3/9 of 2006.
public enum HostState: UInt8, Sendable, CaseIterable {
  /// r: in a frame of real memory.
  case resident = 0
  /// p: in the host's swap.
  case preserved = 1
  /// z: no content. An unused or fresh page reads as zero; a volatile one is discarded.
  case zero = 2
}
