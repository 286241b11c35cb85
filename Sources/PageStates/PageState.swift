/// Both sides' state of a page and the host's change bit, in the byte that both change atomically.
///
/// Bits 0 and 1: ``GuestState``; 2 and 3: ``HostState``; 4: written since the guest last cleared it (s390's change
/// bit). Of the twelve combinations, Vp and Pp without the change bit don't occur: what may be discarded isn't swapped
/// out.
public struct PageState: Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt8

  /// Creates a state from its byte.
  @inlinable @inline(__always)
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Bit 4.
  @inlinable static var changeBit: UInt8 { 16 }

  /// Creates a state from its parts.
  @inlinable @inline(__always)
  public init(_ guest: GuestState, _ host: HostState, isDirty: Bool = false) {
    rawValue = guest.rawValue | host.rawValue &<< 2 | (isDirty ? PageState.changeBit : 0)
  }

  /// A page as the host gives it to a booting guest: stable, without content.
  public static let fresh = PageState(.stable, .zero)

  @inlinable @inline(__always)
  public var guest: GuestState { GuestState(rawValue: rawValue & 3).unsafelyUnwrapped }

  @inlinable @inline(__always)
  public var host: HostState { HostState(rawValue: min(rawValue &>> 2 & 3, 2)).unsafelyUnwrapped }

  /// Whether it was written since the guest last cleared the bit.
  @inlinable @inline(__always)
  public var isDirty: Bool { rawValue & PageState.changeBit != 0 }

  /// Vz or Pz: the host has discarded the page, as the guest allowed.
  @inlinable @inline(__always)
  public var isDiscarded: Bool { rawValue & 2 != 0 && rawValue &>> 2 & 3 == 2 }

  /// The notation of the record, such as `Vr`, with an apostrophe for the change bit.
  public var description: String {
    let guest = ["S", "U", "V", "P"][Int(rawValue & 3)]
    return guest + ["r", "p", "z", "?"][Int(rawValue >> 2 & 3)] + (isDirty ? "'" : "")
  }
}

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

/// The host's state of a page's content. Guest page hinting, patch 3/9 of 2006.
public enum HostState: UInt8, Sendable, CaseIterable {
  /// r: in a frame of real memory.
  case resident = 0
  /// p: in the host's swap.
  case preserved = 1
  /// z: no content. An unused or fresh page reads as zero; a volatile one is discarded.
  case zero = 2
}

/// A transition that the state machine doesn't allow.
public struct IllegalTransition: Error, Hashable, CustomStringConvertible {
  /// The attempted action.
  public let action: String
  /// The page's state.
  public let state: PageState
  /// The states in which the action is allowed.
  public let accepted: String

  @usableFromInline
  init(action: String, state: PageState, accepted: String) {
    self.action = action
    self.state = state
    self.accepted = accepted
  }

  public var description: String { "\(action) of a page in \(state); expected \(accepted)" }
}
