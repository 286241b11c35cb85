import CHost
import Machine

/// Measures the disturbance of the calling thread since the meter was created. Only for that thread.
public struct DisturbanceMeter {
  private let usage: ThreadUsage?
  private let steal: UInt64?
  private let runDelay: UInt64?
  private let files: HostFiles

  /// Starts measuring. `files`: where steal time is read.
  public init(files: HostFiles = HostFiles()) {
    // Reading the file isn't part of the watched stretch.
    self.init(
      steal: StealClock.nanoseconds(files: files), runDelay: Self.runDelayNanoseconds(files), files: files)
  }

  private init(steal: UInt64?, runDelay: UInt64?, files: HostFiles) {
    self.files = files
    self.steal = steal
    self.runDelay = runDelay
    usage = Self.threadUsage()
  }

  /// Starts measuring without steal time and run delay: with several threads, one of them measures steal for the machine.
  public static func ofThreadAlone() -> DisturbanceMeter {
    DisturbanceMeter(steal: nil, runDelay: nil, files: HostFiles())
  }

  /// The disturbance since the meter was created.
  public func reading() -> Disturbance {
    let now = Self.threadUsage()
    let delayNow = runDelay == nil ? nil : Self.runDelayNanoseconds(files)
    let stealNow = steal == nil ? nil : StealClock.nanoseconds(files: files)
    func since(_ path: (ThreadUsage) -> Int64) -> Int? {
      guard let usage, let now else { return nil }
      return Int(path(now) - path(usage))
    }
    var stolen: UInt64?
    // A virtual machine that moved to another host may start from 0.
    if let steal, let stealNow, stealNow >= steal { stolen = stealNow - steal }
    return Disturbance(
      involuntarySwitches: since { $0.involuntary_switches }, minorFaults: since { $0.minor_faults },
      stealNanoseconds: stolen, runDelayNanoseconds: runDelay.flatMap { then in delayNow.map { $0 &- then } })
  }

  /// The second field of schedstat; nil on a kernel without CONFIG_SCHED_INFO. Nanoseconds.
  private static func runDelayNanoseconds(_ files: HostFiles) -> UInt64? {
    let fields = files.line("/proc/thread-self/schedstat")?.split(separator: " ")
    return fields.flatMap { $0.count == 3 ? UInt64($0[1]) : nil }
  }

  private static func threadUsage() -> ThreadUsage? {
    var usage = ThreadUsage()
    return chost_thread_usage(&usage) == 0 ? usage : nil
  }
}
