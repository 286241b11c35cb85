import Glibc
import SystemPackage

/// Reads and writes whole files, retrying interrupted calls.
extension FileDescriptor {
  /// Opens a file that child processes don't inherit. The caller closes it.
  package static func opening(
    _ path: String, _ mode: AccessMode, options: OpenOptions = [], permissions: FilePermissions? = nil
  ) throws(Errno) -> FileDescriptor {
    try onlyErrno { try open(path, mode, options: options.union(.closeOnExec), permissions: permissions) }
  }

  /// Reads to the end, since files of /proc and /sys report a wrong size. If there are more than `limit` bytes, reads
  /// slightly more than that.
  package func readToEnd(limit: Int = .max) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let piece = try readPiece()
      if piece.isEmpty { break }
      bytes += piece
    }
    return bytes
  }

  /// Reads the whole file, independent of the read position.
  package func contents() throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try readPiece(at: Int64(bytes.count))
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// Reads the next bytes available, or those at an offset; empty at the end.
  package func readPiece(at offset: Int64? = nil) throws(Errno) -> [UInt8] {
    try Self.onlyErrno {
      try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        let piece = UnsafeMutableRawBufferPointer(buffer)
        count = try offset.map { try read(fromAbsoluteOffset: $0, into: piece) } ?? read(into: piece)
      }
    }
  }

  /// Writes all bytes: one write(2); after a short write the rest is tried, to learn the reason.
  package func writeWhole(_ bytes: [UInt8]) throws(Errno) { _ = try Self.onlyErrno { try writeAll(bytes) } }

  /// Writes all bytes at an offset, without moving the read position.
  package func writeWhole(_ bytes: some Collection<UInt8>, at offset: Int) throws(Errno) {
    _ = try Self.onlyErrno { try writeAll(toAbsoluteOffset: Int64(offset), bytes) }
  }

  /// Writes all bytes, syncs the file to disk and closes it, even if one of these fails.
  package func writeToDisk(_ bytes: [UInt8]) throws(Errno) {
    try Self.onlyErrno {
      try closeAfter {
        try writeWhole(bytes)
        if fsync(rawValue) != 0 { throw Errno(rawValue: errno) }
      }
    }
  }

  /// Narrows the error type: swift-system's calls are declared to throw anything but only throw ``Errno``.
  private static func onlyErrno<Value>(_ body: () throws -> Value) throws(Errno) -> Value {
    do { return try body() } catch let error as Errno { throw error } catch { fatalError("\(error)") }
  }
}
