/// Whether this machine can run guests on its processor, or has to emulate them.
public enum KVMAccess: Equatable, Sendable {
  case usable
  /// The device opens, but the processor says that it can't (no vmx, no svm): some virtual machines are so, and the
  /// guests one makes there never run.
  case withoutProcessor
  /// /dev/kvm doesn't open, with this errno.
  case refused(code: Int32)

  /// By trying the device and by /proc/cpuinfo.
  public init(files: HostFiles = HostFiles()) {
    if let code = files.refusal(of: "/dev/kvm") {
      self = .refused(code: code)
    } else {
      self = Self.module(files) == nil ? .withoutProcessor : .usable
    }
  }

  /// The kernel module for this processor; nil if it shows no virtualisation.
  package static func module(_ files: HostFiles) -> String? {
    guard let flags = files.processorFlags else { return nil }
    return flags.contains("vmx") ? "kvm_intel" : flags.contains("svm") ? "kvm_amd" : nil
  }
}
