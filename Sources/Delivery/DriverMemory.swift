import GuestMemory

/// What a driver keeps in its own memory for the host to read: its commands, the header of the buffer it sends, and for
/// each entry of the queue when it was filled. A trivial handle, valid as long as its ``DeliveryChannel``.
public struct DriverMemory: @unchecked Sendable {
  // Right to send: the driver writes an entry before it publishes the descriptor of it, and the host reads it before it
  // gives that back.
  @usableFromInline let base: UnsafeMutableRawPointer

  /// Two commands of 4 bytes, the header, and the times.
  private static let headerOffset = 64
  private static let timesOffset = 128

  /// Bytes for a queue of so many entries.
  static func bytes(queueSize: Int) -> Int { timesOffset + queueSize * 8 }

  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// A buffer of hints as it is sent: the driver's header, and where the words lie.
  struct Header {
    /// Of the session that it answers.
    var sessionID: UInt32
    /// The order of every block; ``baseAndSize`` where each has its size.
    var order: Int32
    var words: UnsafeMutablePointer<UInt64>
    var count: Int
    /// When it was put into the queue. Clock ticks.
    var time: UInt64

    static let baseAndSize: Int32 = -1
    static let bytes = UInt32(MemoryLayout<Header>.size)
  }

  /// The command that begins a session, or the one that ends it: a place for each, since both may be in the queue.
  func command(ends: Bool) -> UnsafeMutablePointer<UInt32> {
    (base + (ends ? 4 : 0)).assumingMemoryBound(to: UInt32.self)
  }

  /// Of the one buffer that can be in the queue at a time.
  var header: UnsafeMutablePointer<Header> {
    (base + Self.headerOffset).assumingMemoryBound(to: Header.self)
  }

  /// When the chain with this head was put into the queue. Clock ticks.
  @inline(__always)
  func time(head: Int) -> UnsafeMutablePointer<UInt64> {
    (base + Self.timesOffset).assumingMemoryBound(to: UInt64.self) + head
  }
}

/// What a chain of a hinting or reporting queue says, one part after the other.
public protocol DriverMessageReader {
  /// 4 bytes for the host to read: the id of a session, or the end of one.
  mutating func command(_ id: UInt32)
  /// A buffer of hints begins, which answers a session.
  mutating func buffer(sessionID: UInt32)
  /// A block, of the buffer that began or in a descriptor of its own. `time`: when it was put into the queue, in clock
  /// ticks; 0 where that isn't noted.
  mutating func block(_ block: Block, inBuffer: Bool, time: UInt64)
}

extension VirtqueueChain {
  /// Tells `reader` what the chain says. The driver must be a ``DeliverySink``: its buffers are read where they are.
  @inline(__always)
  public func read(_ memory: DriverMemory, _ reader: inout some DriverMessageReader) {
    let time = memory.time(head: head).pointee
    forEach { address, length, deviceWrites in
      if deviceWrites {
        reader.block(
          Block(pfn: address &>> 12, order: (length &>> 12).trailingZeroBitCount), inBuffer: false, time: time)
        return
      }
      guard let place = UnsafeRawPointer(bitPattern: UInt(address)) else { return }
      if length == 4 {
        reader.command(place.load(as: UInt32.self))
      } else if length == DriverMemory.Header.bytes {
        let header = place.load(as: DriverMemory.Header.self)
        reader.buffer(sessionID: header.sessionID)
        let words = HintBuffer(words: header.words, capacity: header.count)
        let format: HintFormat =
          header.order == DriverMemory.Header.baseAndSize ? .baseAndSize : .address(order: Int(header.order))
        words.forEachBlock(words: header.count, format) { reader.block($0, inBuffer: true, time: header.time) }
      }
    }
  }
}
