import Synchronization

/// The host's stop: asks a session to end early. Read between holds. The memory lives until ``deallocate()``.
public struct StopFlag: @unchecked Sendable {
  // Right to send: one atomic word.
  @usableFromInline let word: UnsafeMutablePointer<Atomic<Bool>>

  /// Allocates the word; ``deallocate()`` frees it.
  public init() {
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(false))
  }

  public func deallocate() {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  @inlinable @inline(__always)
  public var isSet: Bool { word.pointee.load(ordering: .relaxed) }

  public func set() { word.pointee.store(true, ordering: .relaxed) }
  public func clear() { word.pointee.store(false, ordering: .relaxed) }
}
