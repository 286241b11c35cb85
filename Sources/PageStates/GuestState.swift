/// What the guest says of a page's content. Guest page hinting, patch 3/9 of 2006.
public enum GuestState: UInt8, Sendable, CaseIterable {
  /// S: has to be kept.
  case stable = 0
  /// U: worth nothing; the page is free.
  case unused = 1
  /// V: can be had again from elsewhere; the host may discard it.
  case volatile = 2
  /// P: may be discarded as long as the host has seen no write to it: mapped writable.
  case potentiallyVolatile = 3
}
