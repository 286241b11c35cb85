import GuestMemory
import Synchronization

@testable import Delivery

extension Virtqueue {
  /// Every byte of the mapping, private state included.
  var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: layout.totalBytes)) }

  /// Chains in the available ring that aren't used yet: avail.idx - used.idx modulo 2^16.
  var outstanding: UInt16 {
    memory.availableIndex.pointee.load(ordering: .acquiring) &- memory.usedIndex.pointee.load(ordering: .acquiring)
  }

  /// Sends `count` chains of one descriptor there and back, without a kick.
  func cycle(_ count: Int) throws {
    for index in 0..<count {
      guard driver.add(address: UInt64(index), length: 1, deviceWrites: true), let chain = try device.pop() else {
        throw TestFailure("chain \(index) of \(count) didn't get through")
      }
      _ = device.push(head: chain.head, length: 0)
      guard driver.detachUsed()?.id == chain.head else { throw TestFailure("chain \(index) didn't come back") }
    }
  }
}

extension VirtqueueChain {
  struct Buffer: Equatable {
    var address: UInt64
    var length: UInt32
    var deviceWrites: Bool
  }

  var buffers: [Buffer] {
    var list: [Buffer] = []
    forEach { list.append(Buffer(address: $0, length: $1, deviceWrites: $2)) }
    return list
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
