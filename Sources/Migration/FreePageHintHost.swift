/// The host's half of the free page hinting protocol: which session runs, and whether a hint of it may be applied.
///
/// A session has an id. It begins after a sync of the dirty log and has ended before the next one, so that what it
/// clears was free at some moment since the log began to note writes for it: whatever the guest wrote after that
/// moment the next sync sets again. A hint that came after that sync could clear such a bit, and the page would be
/// lost. The guest may be late by as much as it likes; it names the id of the session that its hints are for, and
/// other ids start nothing.
///
/// QEMU 7.2, hw/virtio/virtio-balloon.c: virtio_balloon_free_page_start(), _stop(), _done() and get_free_page_hints();
/// virtio 1.2, 5.5.6.4. All calls are to be made under one lock, which also covers the clearing of the bits.
public struct FreePageHintHost: Sendable {
  public enum Status: Sendable {
    /// No session: hints are dropped.
    case stop
    /// A session was asked for, and the guest hasn't answered.
    case requested
    /// The guest has answered: hints are applied.
    case start
    /// The migration is over: the guest may use what it held back.
    case done
  }

  /// The guest's answer that it has no more to say.
  public static let stopID: UInt32 = 0
  /// What the guest reads when the migration is over.
  public static let doneID: UInt32 = 1
  /// The least id of a session; those below are commands.
  public static let leastID: UInt32 = 0x8000_0000

  public private(set) var status = Status.stop
  /// Of the newest session.
  public private(set) var id = Self.leastID

  /// - Parameter id: of the last session before.
  public init(lastID: UInt32 = Self.leastID) {
    precondition(lastID >= Self.leastID, "\(lastID) is a command")
    id = lastID
  }

  /// Asks the guest for a session with a new id. Only after a sync.
  public mutating func begin() {
    id = id == .max ? Self.leastID : id + 1
    status = .requested
  }

  /// No hint is applied after it returns. To be called before a sync.
  public mutating func stop() {
    if status != .done { status = .stop }
  }

  /// The migration is over, or was given up.
  public mutating func finish() { status = .done }

  /// The guest's command: the id of a session that its next hints are for, or ``stopID``.
  public mutating func command(_ id: UInt32) {
    if status == .requested && id == self.id {
      status = .start
    } else if status == .start {
      // Only of one that was started: a late stop of the session before ends nothing.
      status = .stop
    }
  }

  /// Whether a hint is applied.
  public var isAccepting: Bool { status == .start }

  /// free_page_hint_cmd_id: what the guest reads when it is told that something has changed.
  public var configID: UInt32 {
    switch status {
    case .requested, .start: id
    case .stop: Self.stopID
    case .done: Self.doneID
    }
  }
}
