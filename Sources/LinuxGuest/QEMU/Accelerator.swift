import Machine

/// What runs a guest's instructions.
public enum Accelerator: String, Sendable {
  /// The processor itself, through the kernel's KVM.
  case kvm
  /// QEMU, instruction by instruction (TCG): counts mean something there, times don't.
  case emulation

  /// KVM where this machine has it, and emulation elsewhere.
  public static func best(files: HostFiles = HostFiles()) -> Accelerator {
    KVMAccess(files: files) == .usable ? .kvm : .emulation
  }

  /// QEMU's `-accel`.
  var option: String {
    switch self {
    case .kvm: "kvm"
    case .emulation: "tcg,thread=multi"
    }
  }
}
