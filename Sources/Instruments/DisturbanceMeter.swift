import CHost

/// Watches what disturbs the calling thread from the moment it is made. For that thread only.
public struct DisturbanceMeter {
  private let usage: ThreadUsage?
  private let steal: UInt64?
  private let files: HostFiles

  /// `files`: where the time is read that the hypervisor took.
  public init(files: HostFiles = HostFiles()) {
    self.files = files
    // Reading the file is outside of what is watched.
    steal = StealClock.nanoseconds(files: files)
    usage = Self.threadUsage()
  }

  /// Since it was made.
  public func reading() -> Disturbance {
    let now = Self.threadUsage()
    let stealNow = StealClock.nanoseconds(files: files)
    func since(_ path: (ThreadUsage) -> Int64) -> Int? {
      guard let usage, let now else { return nil }
      return Int(path(now) - path(usage))
    }
    var stolen: UInt64?
    // A virtual machine that was moved to another host may begin anew.
    if let steal, let stealNow, stealNow >= steal { stolen = stealNow - steal }
    return Disturbance(
      involuntarySwitches: since { $0.involuntary_switches }, minorFaults: since { $0.minor_faults },
      stealNanoseconds: stolen)
  }

  private static func threadUsage() -> ThreadUsage? {
    var usage = ThreadUsage()
    return chost_thread_usage(&usage) == 0 ? usage : nil
  }
}
