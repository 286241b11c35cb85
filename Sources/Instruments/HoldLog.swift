import CHost
import Glibc
import Machine

/// The samples of one thread's lock acquisitions, raw and in order.
///
/// The memory is reserved, not committed: 24 bytes per sample are used as they are written. Acquisitions past the
/// capacity are counted, not recorded.
///
/// `@unchecked Sendable`: one thread creates and reads the log, another writes it through its probe, never at the same
/// time; starting and joining the writing thread orders them. The caller that hands out the probe must ensure this.
public final class HoldLog: @unchecked Sendable {
  private static let headerBytes = 4096

  private let mapping: UnsafeMutableRawPointer
  private let mappingBytes: Int
  private let header: UnsafeMutablePointer<HoldLogHeader>
  private let storage: UnsafeMutablePointer<HoldSample>
  private let firstPhase: HoldPhase

  /// Reserves room for `capacity` samples (0 or more). `phase`: the phase of acquisitions until the probe changes it.
  ///
  /// - Throws: ``SystemCallError`` if the host refuses the address space.
  public init(capacity: Int, phase: HoldPhase = .collect) throws(SystemCallError) {
    precondition(capacity >= 0, "a log cannot hold a negative number of samples")
    let (sampleBytes, overflow) = capacity.multipliedReportingOverflow(by: MemoryLayout<HoldSample>.stride)
    guard !overflow, sampleBytes <= Int.max - 2 * Self.headerBytes else {
      throw SystemCallError(call: "mmap of \(capacity) samples", code: ENOMEM)
    }
    let bytes = (Self.headerBytes + sampleBytes + 4095) / 4096 * 4096
    guard let mapping = chost_reserve(bytes, 4096) else {
      throw SystemCallError(call: "mmap of \(bytes) bytes", code: errno)
    }
    self.mapping = mapping
    mappingBytes = bytes
    header = mapping.bindMemory(to: HoldLogHeader.self, capacity: 1)
    storage = (mapping + Self.headerBytes).bindMemory(to: HoldSample.self, capacity: capacity)
    firstPhase = phase
    header.initialize(to: HoldLogHeader(capacity: capacity, phase: phase))
  }

  deinit {
    _ = chost_release(mapping, mappingBytes)
  }

  /// The number of samples that fit.
  public var capacity: Int { header.pointee.capacity }

  /// The number of samples.
  public var count: Int { header.pointee.count }

  /// The number of acquisitions, of all phases, that found no room.
  public var dropped: Int { HoldPhase.allCases.reduce(0) { $0 + header.pointee.dropped($1) } }

  /// The phase of acquisitions from now on; shared with the probe.
  public var phase: HoldPhase {
    get { probe().phase }
    set { probe().phase = newValue }
  }

  /// Returns a probe that writes to this log. The log must outlive it: keep it alive, with `withExtendedLifetime` if
  /// necessary.
  public func probe() -> HoldProbe { HoldProbe(header: header, samples: storage) }

  /// Removes all samples and resets the phase to the initial one. The memory stays faulted in.
  public func reset() {
    header.initialize(to: HoldLogHeader(capacity: capacity, phase: firstPhase))
  }

  /// Faults in the memory of the first `samples` (at most the capacity), so that recording takes no page faults.
  /// Existing samples stay.
  public func prefault(samples: Int) {
    let bytes = min(max(samples, 0), capacity) * MemoryLayout<HoldSample>.stride
    for offset in stride(from: 0, to: Self.headerBytes + bytes, by: 4096) {
      // After the barrier the compiler can't assume the byte unchanged, so the store stays.
      let byte = mapping.load(fromByteOffset: offset, as: UInt8.self)
      chost_consume(UInt64(byte))
      mapping.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }
  }

  /// Sample `index`, from 0 in the order written.
  public subscript(index: Int) -> HoldSample {
    precondition(index >= 0 && index < count, "sample \(index) of \(count)")
    return storage[index]
  }

  /// All samples in the order written; valid until the log is reset or released.
  public var samples: UnsafeBufferPointer<HoldSample> {
    UnsafeBufferPointer(start: storage, count: header.pointee.count)
  }

  /// Returns the figures of the acquisitions of `phases`. Only after the pass: O(n log n) in the samples.
  ///
  /// - Parameter nanosecondsPerTick: the length of a tick, by default this machine's.
  public func summary(
    phases: Set<HoldPhase> = Set(HoldPhase.allCases), nanosecondsPerTick: Double = CycleClock.nanosecondsPerTick
  ) -> HoldSummary {
    Self.summary(of: [self], phases: phases, nanosecondsPerTick: nanosecondsPerTick)
  }

  /// Returns the figures of several threads' logs, concatenated. At least one.
  public static func summary(
    of logs: [HoldLog], phases: Set<HoldPhase> = Set(HoldPhase.allCases),
    nanosecondsPerTick: Double = CycleClock.nanosecondsPerTick
  ) -> HoldSummary {
    let dropped = logs.reduce(0) { sum, log in phases.reduce(sum) { $0 + log.header.pointee.dropped($1) } }
    func summarise(_ samples: UnsafeBufferPointer<HoldSample>) -> HoldSummary {
      HoldSummary(samples: samples, phases: phases, nanosecondsPerTick: nanosecondsPerTick, dropped: dropped)
    }
    if logs.count == 1 { return summarise(logs[0].samples) }
    return logs.flatMap { Array($0.samples) }.withUnsafeBufferPointer(summarise)
  }
}
