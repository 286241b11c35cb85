import CHost

/// Times each hold of one thread's zone locks and writes a ``HoldSample`` for it into a ``HoldLog``.
///
/// Reads the clock three times per acquisition: before the first try, after acquiring, before releasing; the sample is
/// written after the release. Doesn't allocate or count references: the probe is two pointers into the log, which must
/// outlive it. All state is in the log, so copies of a probe are the same probe. Only one thread at a time may use a
/// log's probes, and its probed locks must not nest.
public struct HoldProbe: LockProbe, @unchecked Sendable {
  // Right to send: the memory belongs to one thread at a time, which the caller ensures (see HoldLog).
  @usableFromInline let header: UnsafeMutablePointer<HoldLogHeader>
  @usableFromInline let samples: UnsafeMutablePointer<HoldSample>

  init(header: UnsafeMutablePointer<HoldLogHeader>, samples: UnsafeMutablePointer<HoldSample>) {
    self.header = header
    self.samples = samples
  }

  /// The phase of acquisitions from now on.
  @inlinable
  public var phase: HoldPhase {
    @inline(__always) get { HoldPhase(rawValue: header.pointee.phase) ?? .collect }
    @inline(__always) nonmutating set { header.pointee.phase = newValue.rawValue }
  }

  @inlinable @inline(__always)
  public mutating func willAcquire() {
    header.pointee.waitBegin = CycleClock.begin()
  }

  @inlinable @inline(__always)
  public mutating func didAcquire() {
    // Before the clock: not part of the hold's length.
    chost_watch_preemption()
    header.pointee.holdBegin = CycleClock.begin()
  }

  @inlinable @inline(__always)
  public mutating func willRelease() {
    header.pointee.holdEnd = CycleClock.end()
  }

  @inlinable @inline(__always)
  public mutating func didRelease(zone: Int, items: Int) {
    let preemption = chost_preemption()
    let index = header.pointee.count
    guard index < header.pointee.capacity else {
      drop()
      return
    }
    let waitBegin = header.pointee.waitBegin
    let holdBegin = header.pointee.holdBegin
    let holdEnd = header.pointee.holdEnd
    // A move to a CPU whose counter lags must not underflow.
    (samples + index).initialize(
      to: HoldSample(
        waitTicks: holdBegin > waitBegin ? holdBegin &- waitBegin : 0,
        holdTicks: holdEnd > holdBegin ? holdEnd &- holdBegin : 0,
        items: UInt32(clamping: items),
        phase: header.pointee.phase,
        preemption: preemption,
        zone: UInt16(truncatingIfNeeded: zone)))
    header.pointee.count = index &+ 1
  }

  @usableFromInline @inline(never)
  func drop() {
    switch phase {
    case .collect: header.pointee.droppedCollect += 1
    case .return: header.pointee.droppedReturn += 1
    case .mutator: header.pointee.droppedMutator += 1
    }
  }
}
