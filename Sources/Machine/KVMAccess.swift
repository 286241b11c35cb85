/// Whether this machine can run guests under KVM, or must emulate them.
public enum KVMAccess: Equatable, Sendable {
  case usable
  /// The device opens, but the processor lacks virtualisation (no vmx, no svm). On some virtual machines guests can
  /// then be created but never run.
  case withoutProcessor
  /// /dev/kvm can't be opened; its errno.
  case refused(code: Int32)

  /// Checks the device and /proc/cpuinfo.
  public init(files: HostFiles = HostFiles()) {
    if let code = files.refusal(of: "/dev/kvm") {
      self = .refused(code: code)
    } else {
      self = Self.module(files) == nil ? .withoutProcessor : .usable
    }
  }

  /// The KVM module for this processor; nil if it lacks virtualisation.
  package static func module(_ files: HostFiles) -> String? {
    guard let flags = files.processorFlags else { return nil }
    return flags.contains("vmx") ? "kvm_intel" : flags.contains("svm") ? "kvm_amd" : nil
  }
}
