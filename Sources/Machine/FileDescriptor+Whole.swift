import Glibc
import SystemPackage

/// Files read and written whole; signals interrupt none of it.
extension FileDescriptor {
  /// Opens a file that programs started from here don't get. The caller closes it.
  package static func opening(
    _ path: String, _ mode: AccessMode, options: OpenOptions = [], permissions: FilePermissions? = nil
  ) throws(Errno) -> FileDescriptor {
    try onlyErrno { try open(path, mode, options: options.union(.closeOnExec), permissions: permissions) }
  }

  /// What is left to read, to its end: files of /proc and /sys say nothing true about their size. Where there is more
  /// than `limit` bytes, some more than that.
  package func readToEnd(limit: Int = .max) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let piece = try readPiece()
      if piece.isEmpty { break }
      bytes += piece
    }
    return bytes
  }

  /// The whole file, wherever its next read begins.
  package func contents() throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try readPiece(at: Int64(bytes.count))
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// The next bytes, as many as come at once, or those from a place in the file on; empty at the end.
  package func readPiece(at offset: Int64? = nil) throws(Errno) -> [UInt8] {
    try Self.onlyErrno {
      try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        let piece = UnsafeMutableRawBufferPointer(buffer)
        count = try offset.map { try read(fromAbsoluteOffset: $0, into: piece) } ?? read(into: piece)
      }
    }
  }

  /// Writes all the bytes: one write(2) unless that comes up short, when the rest is tried to learn why.
  package func writeWhole(_ bytes: [UInt8]) throws(Errno) { _ = try Self.onlyErrno { try writeAll(bytes) } }

  /// The same from a place in the file on, which leaves alone where the next read begins.
  package func writeWhole(_ bytes: some Collection<UInt8>, at offset: Int) throws(Errno) {
    _ = try Self.onlyErrno { try writeAll(toAbsoluteOffset: Int64(offset), bytes) }
  }

  /// Writes all the bytes, waits until they are on the disk, and closes the file, also where one of these fails.
  package func writeToDisk(_ bytes: [UInt8]) throws(Errno) {
    try Self.onlyErrno {
      try closeAfter {
        try writeWhole(bytes)
        if fsync(rawValue) != 0 { throw Errno(rawValue: errno) }
      }
    }
  }

  /// swift-system's calls are declared to throw anything, and throw ``Errno`` alone.
  private static func onlyErrno<Value>(_ body: () throws -> Value) throws(Errno) -> Value {
    do { return try body() } catch let error as Errno { throw error } catch { fatalError("\(error)") }
  }
}
