import CHost
import Glibc

/// A file that lies in memory and has no name, so that nothing of it is left however the process ends. Children inherit
/// it under the same number.
public final class MemoryFile {
  /// Its number here and in children.
  public let descriptor: Int32

  /// - Throws: ``SystemCallError`` where the kernel refuses.
  public init() throws(SystemCallError) {
    descriptor = chost_memory_file("hintbench")
    guard descriptor >= 0 else { throw SystemCallError(call: "memfd_create", code: -descriptor) }
  }

  deinit { close(descriptor) }

  /// The path by which a child finds it.
  package var path: String { "/proc/self/fd/\(descriptor)" }

  /// Puts bytes into it, from `offset` on; a child that has it as its input reads from 0.
  package func write(_ bytes: some Collection<UInt8>, at offset: Int = 0) throws(SystemCallError) {
    let bytes = Array(bytes)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress! + written, bytes.count - written, off_t(offset + written))
      }
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        throw SystemCallError(call: "pwrite to memory", code: errno)
      }
    }
  }

  /// Puts a copy of the file at `path` into it.
  package func copy(_ path: String) throws(SystemCallError) {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw SystemCallError(call: "open of \(path)", code: errno) }
    defer { close(source) }
    var offset = 0
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = read(source, &chunk, chunk.count)
      if got > 0 {
        try write(chunk[..<got], at: offset)
        offset += got
      } else if got == 0 {
        return
      } else if errno != EINTR {
        throw SystemCallError(call: "read of \(path)", code: errno)
      }
    }
  }

  /// Everything in it.
  public var text: String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
      if got > 0 {
        bytes.append(contentsOf: chunk[..<got])
      } else if got == 0 || errno != EINTR {
        return String(decoding: bytes, as: UTF8.self)
      }
    }
  }
}
