import Glibc
import Instruments

/// What runs a guest's instructions.
public enum Accelerator: String, Sendable {
  /// The processor itself, through the kernel's KVM.
  case kvm
  /// QEMU, instruction by instruction (TCG): counts mean something there, times don't.
  case emulation

  /// KVM where this machine has it, and emulation elsewhere.
  ///
  /// The device alone is no sign: on some virtual machines it opens and makes guests that never run. The processor must
  /// say that it can (vmx or svm) as well.
  public static func best(files: HostFiles = HostFiles()) -> Accelerator {
    let root = files.root.hasSuffix("/") ? String(files.root.dropLast()) : files.root
    guard access(root + "/dev/kvm", R_OK | W_OK) == 0, let text = files.text("/proc/cpuinfo") else { return .emulation }
    let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
    return flags.contains("vmx") || flags.contains("svm") ? .kvm : .emulation
  }

  /// QEMU's `-accel`.
  var option: String {
    switch self {
    case .kvm: "kvm"
    case .emulation: "tcg,thread=multi"
    }
  }
}
