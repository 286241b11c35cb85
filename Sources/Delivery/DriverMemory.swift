import GuestMemory

/// The driver's memory that the host reads: its commands, the header of the current buffer, and the time each queue
/// entry was filled. A trivial handle, valid as long as its ``DeliveryChannel``.
public struct DriverMemory: @unchecked Sendable {
  // Right to send: the driver writes an entry before it publishes its descriptor, and the host reads it before it
  // returns that.
  @usableFromInline let base: UnsafeMutableRawPointer

  /// Layout: two commands of 4 bytes, the header, the times.
  private static let headerOffset = 64
  private static let timesOffset = 128

  /// The size for a queue of `queueSize` entries. Bytes.
  static func bytes(queueSize: Int) -> Int { timesOffset + queueSize * 8 }

  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// The header of a buffer of hints, and the address of its words.
  struct Header {
    /// The id of the session that the buffer answers.
    var sessionID: UInt32
    /// How the words name blocks.
    var format: HintFormat
    var words: UnsafeMutablePointer<UInt64>
    var count: Int
    /// The time the buffer was put into the queue. Clock ticks.
    var time: UInt64

    static let bytes = UInt32(MemoryLayout<Header>.size)
  }

  /// The start or stop command of a session. Each has its own place, since both may be in the queue.
  func command(ends: Bool) -> UnsafeMutablePointer<UInt32> {
    (base + (ends ? 4 : 0)).assumingMemoryBound(to: UInt32.self)
  }

  /// The buffer's header. Only one buffer can be in the queue at a time.
  var header: UnsafeMutablePointer<Header> {
    (base + Self.headerOffset).assumingMemoryBound(to: Header.self)
  }

  /// The time the chain with this head was put into the queue. Clock ticks.
  @inline(__always)
  func time(head: Int) -> UnsafeMutablePointer<UInt64> {
    (base + Self.timesOffset).assumingMemoryBound(to: UInt64.self) + head
  }
}

/// Receives the parts of a chain of a hinting or reporting queue, in order.
public protocol DriverMessageReader {
  /// A command, 4 bytes: a session's id, or its end.
  mutating func command(_ id: UInt32)
  /// The start of a buffer of hints that answers a session.
  mutating func buffer(sessionID: UInt32)
  /// A block, from the current buffer or in its own descriptor. `time`: when it was put into the queue, in clock ticks;
  /// 0 if not noted.
  mutating func block(_ block: Block, inBuffer: Bool, time: UInt64)
}

extension VirtqueueChain {
  /// Passes the chain's parts to `reader`. The driver must be a ``DeliverySink``: its buffers are read in place.
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
        words.forEachBlock(words: header.count, header.format) { reader.block($0, inBuffer: true, time: header.time) }
      }
    }
  }
}
