import CHost
import Glibc
import Records

/// What `print` writes to.
public enum StandardOutput {
  /// Writes out what is still buffered.
  ///
  /// - Throws: ``UserError`` of kind io if this or any earlier write failed, as on a full device.
  public static func flush() throws(UserError) {
    let code = chost_flush_output()
    guard code != 0 else { return }
    throw UserError(
      .io, "standard output: \(String(cString: strerror(code))); expected a terminal, pipe or file with room")
  }
}
