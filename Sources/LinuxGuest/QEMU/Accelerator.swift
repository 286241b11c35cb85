import Machine

/// What runs a guest's instructions.
public enum Accelerator: String, CaseIterable, Sendable {
  /// The processor itself, through the kernel's KVM.
  case kvm
  /// QEMU, instruction by instruction (TCG): counts mean something there, times don't.
  case emulation
  /// The same with a clock that counts instructions: the guest's time-stamp counter advances by ``ticksPerInstruction``
  /// each, in every boot alike. One CPU.
  case icount

  /// Ticks of the time-stamp counter for each instruction under ``icount``.
  public static let ticksPerInstruction = 2

  /// KVM where this machine has it, and emulation elsewhere.
  public static func best(files: HostFiles = HostFiles()) -> Accelerator {
    KVMAccess(files: files) == .usable ? .kvm : .emulation
  }

  /// QEMU's arguments.
  var arguments: [String] {
    switch self {
    case .kvm: ["-accel", "kvm"]
    case .emulation: ["-accel", "tcg,thread=multi"]
    // An instruction takes 2^shift ns, which are ticks of the emulated counter. sleep=off hangs.
    case .icount: ["-accel", "tcg,thread=single", "-icount", "shift=1"]
    }
  }
}
