import CHost
import SystemPackage

/// An unnamed file in memory, so that nothing is left behind however the process ends. Children inherit it under the
/// same descriptor.
public final class MemoryFile {
  /// The descriptor, here and in children.
  public let descriptor: Int32

  /// - Throws: ``SystemCallError`` if the kernel refuses.
  public init() throws(SystemCallError) {
    descriptor = chost_memory_file("hintbench")
    guard descriptor >= 0 else { throw SystemCallError(call: "memfd_create", code: -descriptor) }
  }

  private var file: FileDescriptor { FileDescriptor(rawValue: descriptor) }

  deinit { try? file.close() }

  /// The path under which a child opens it.
  package var path: String { "/proc/self/fd/\(descriptor)" }

  /// Writes bytes at `offset`; a child that has it as its input reads from 0.
  package func write(_ bytes: some Collection<UInt8>, at offset: Int = 0) throws(SystemCallError) {
    do throws(Errno) { try file.writeWhole(bytes, at: offset) } catch {
      throw SystemCallError(call: "pwrite to memory", code: error.rawValue)
    }
  }

  /// Copies the file at `path` into it.
  package func copy(_ path: String) throws(SystemCallError) {
    let source: FileDescriptor
    do throws(Errno) { source = try .opening(path, .readOnly) } catch {
      throw SystemCallError(call: "open of \(path)", code: error.rawValue)
    }
    defer { try? source.close() }
    var offset = 0
    while true {
      let piece: [UInt8]
      do throws(Errno) { piece = try source.readPiece() } catch {
        throw SystemCallError(call: "read of \(path)", code: error.rawValue)
      }
      if piece.isEmpty { return }
      try write(piece, at: offset)
      offset += piece.count
    }
  }

  /// The whole content.
  public var text: String { String(decoding: (try? file.contents()) ?? [], as: UTF8.self) }
}
