/// The guest's state of a page. Guest page hinting, patch 3/9 of 2006.
public enum GuestState: UInt8, Sendable, CaseIterable {
  /// S: the host must preserve the content.
  case stable = 0
  /// U: the page is free; its content is worthless.
  case unused = 1
  /// V: the host may discard the content, which can be read again from elsewhere.
  case volatile = 2
  /// P: the host may discard the content as long as it has seen no write to it. For pages mapped writable.
  case potentiallyVolatile = 3
}
