/// The host's half of the free page hinting protocol: the current session, and whether its hints may be applied.
///
/// A session has an id. It begins after a sync of the dirty log and ends before the next one. What it clears was
/// therefore free at some moment since the log began to record writes for it; the next sync sets the bits of everything
/// the guest wrote after that moment. A hint applied after that sync could clear such a bit, and the page would be
/// lost. The guest may be arbitrarily late: it names the id of the session that its hints are for, and hints with other
/// ids are dropped.
///
/// QEMU 7.2, hw/virtio/virtio-balloon.c: virtio_balloon_free_page_start(), _stop(), _done() and get_free_page_hints();
/// virtio 1.2, 5.5.6.4. Make all calls under one lock, which must also cover the clearing of the bits.
public struct FreePageHintHost: Sendable {
  public enum Status: Sendable {
    /// No session: hints are dropped.
    case stop
    /// A session was requested, and the guest hasn't answered yet.
    case requested
    /// The guest has answered: hints are applied.
    case start
    /// The migration is over: the guest may use the held memory.
    case done
  }

  /// The guest's command that its session is complete.
  public static let stopID: UInt32 = 0
  /// The id that tells the guest that the migration is over.
  public static let doneID: UInt32 = 1
  /// The lowest session id; ids below it are commands.
  public static let leastID: UInt32 = 0x8000_0000

  public private(set) var status = Status.stop
  /// The id of the newest session.
  public private(set) var id = Self.leastID

  /// - Parameter lastID: the id of the previous session.
  public init(lastID: UInt32 = Self.leastID) {
    precondition(lastID >= Self.leastID, "\(lastID) is a command")
    id = lastID
  }

  /// Requests a session with a new id. Only after a sync.
  public mutating func begin() {
    id = id == .max ? Self.leastID : id + 1
    status = .requested
  }

  /// Ends the session; no hint is applied after this returns. Must be called before a sync.
  public mutating func stop() {
    if status != .done { status = .stop }
  }

  /// Ends the migration, completed or cancelled.
  public mutating func finish() { status = .done }

  /// Handles the guest's command: the id of the session that its next hints are for, or ``stopID``.
  public mutating func command(_ id: UInt32) {
    if status == .requested && id == self.id {
      status = .start
    } else if status == .start {
      // Only if it has started: a late stop of the previous session is ignored.
      status = .stop
    }
  }

  /// Whether hints are applied.
  public var isAccepting: Bool { status == .start }

  /// free_page_hint_cmd_id: what the guest reads after a configuration change.
  public var configID: UInt32 {
    switch status {
    case .requested, .start: id
    case .stop: Self.stopID
    case .done: Self.doneID
    }
  }
}
