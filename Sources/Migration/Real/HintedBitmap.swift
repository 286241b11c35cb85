import Foundation
import GuestMemory
import Machine

/// The pages that must still be sent, and the host's half of the hinting protocol, under one lock: the sending thread
/// takes pages out, the thread that receives hints clears their bits (QEMU's bitmap_mutex and free_page_lock).
public final class HintedBitmap: @unchecked Sendable {
  // Right to send: everything below is read and written under the lock.
  private let lock = NSLock()
  private var bitmap: MigrationBitmap
  private var host = FreePageHintHost()
  private var cursor = 0
  private var skipped = 0
  private var applied = 0
  private var late = 0

  /// - Parameter memory: what must be sent in the first round.
  public init(_ memory: MigrationBitmap) { bitmap = memory }

  // MARK: the guest's side

  /// Handles the guest's command: the id of the session that its next hints are for, or ``FreePageHintHost/stopID``.
  public func command(_ id: UInt32) { locked { host.command(id) } }

  /// Applies a hint of the session with this id. Returns whether it was applied. Only whole pages of the block before
  /// the guest's end are cleared.
  @discardableResult
  public func hint(_ block: Block, session id: UInt32) -> Bool {
    locked {
      guard host.isAccepting, host.id == id else {
        late += 1
        return false
      }
      skipped += bitmap.clear(block)
      applied += 1
      return true
    }
  }

  // MARK: the host's side

  var unitsLeft: Int { locked { bitmap.count } }

  /// Begins a session. Returns its id.
  func begin() -> UInt32 {
    locked {
      host.begin()
      return host.id
    }
  }

  /// Ends the session. No hint is applied after this returns, until the next session.
  func stop() { locked { host.stop() } }

  /// Ends the migration. No hint is applied after this returns.
  func finish() { locked { host.finish() } }

  func sync<Log: DirtyLog>(_ log: inout Log) throws(SystemCallError) {
    lock.lock()
    defer { lock.unlock() }
    try log.sync(into: &bitmap)
  }

  /// Takes out the next pages, cyclically, and clears their bits: later writes to them count again.
  func take(_ most: Int, into units: inout [Int]) {
    units.removeAll(keepingCapacity: true)
    locked {
      while units.count < most, let unit = bitmap.next(from: cursor) ?? bitmap.next(from: 0) {
        bitmap.clear(unit..<unit + 1)
        units.append(unit)
        cursor = unit + 1
      }
    }
  }

  func rewind() { locked { cursor = 0 } }

  /// Pages whose bit was cleared by a hint, hints applied, and hints outside their session.
  var figures: (skipped: Int, applied: Int, late: Int) { locked { (skipped, applied, late) } }

  private func locked<Value>(_ body: () -> Value) -> Value {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }
}
