/// The sizes of host pages that memory is measured on.
public enum HostPage: Int, CaseIterable, Sendable {
  /// 4 KiB.
  case small = 4096
  /// 2 MiB, as the kernel maps its memory map.
  case huge = 2_097_152
}
