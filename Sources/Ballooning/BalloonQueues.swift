import Delivery
import GuestMemory

/// The balloon's two virtqueues of 128 descriptors each, as in QEMU, with an ideal host: it costs nothing and uses each
/// message on its kick. Each message is one descriptor, one kick and one wait (virtballoon's tell_host(), 6.1).
public final class BalloonQueues {
  private let inflate: Virtqueue
  private let deflate: Virtqueue
  private let words: SharedWords

  /// - Throws: ``VirtqueueError``, or ``GuestError`` if the host refuses the address space.
  public init() throws {
    inflate = try Virtqueue(size: 128, usesEventIndex: true)
    deflate = try Virtqueue(size: 128, usesEventIndex: true)
    words = try SharedWords(count: 2)
  }

  /// The driver's side. Valid as long as this object.
  public var driver: Driver { Driver(inflate: inflate.driver, deflate: deflate.driver, words: words.view) }

  /// Messages sent since the last ``reset()``, one kick each.
  public var kicks: Int { Int(words.view[0]) }
  /// Entries named in those messages.
  public var entries: Int { Int(words.view[1]) }
  public func reset() { words.view.clear() }

  /// A trivial handle; the balloon's mutex serializes its use.
  public struct Driver: BalloonHost {
    @usableFromInline let inflate: DriverQueue
    @usableFromInline let deflate: DriverQueue
    @usableFromInline let words: SharedWords.View

    @inlinable @inline(__always)
    public func tell(_ command: BalloonCommand, _ pfns: PFNArray, count: Int) {
      let queue = command == .inflate ? inflate : deflate
      _ = queue.add(
        address: pfns.address, length: UInt32(truncatingIfNeeded: count &* 4), deviceWrites: false)
      _ = queue.kickPrepare()
      queue.noteKick()
      queue.lookForIdealDevice()
      words[0] &+= 1
      words[1] &+= UInt64(truncatingIfNeeded: count)
    }
  }
}
