import Foundation
import Glibc
import GuestMemory
import Machine

/// The source's connection to the destination of a migration in real time: the process that keeps the pages, and the
/// stream to it.
///
/// Nothing waits for ever: it is an error if the destination has ended, or reads or answers nothing for a minute. The
/// process ends with this object.
public final class Destination {
  private let ram: GuestRAM
  private let socket: Int32
  private let said: MemoryFile
  private var child: ChildProcess
  /// The headers of the pages in the batch, and the pieces to send.
  private let headers: UnsafeMutableRawPointer
  private var headerBytes = 0
  private var pieces: [iovec] = []
  /// The size of the batch. Bytes.
  public private(set) var bytesInHand = 0

  /// Pages that are sent at once.
  static let batch = 64
  private static let patience = 60

  /// Starts the process and waits until it is ready.
  ///
  /// - Parameters:
  ///   - ram: the memory to send; the process reserves as much.
  ///   - program: the program to start; by default this one. It must know ``DestinationServer/command``.
  ///   - cpus: the host CPUs for the process; empty: those of the caller.
  /// - Throws: ``MigrationError/destination(_:)`` if it can't be started or ends at once.
  public init(_ ram: GuestRAM, program: [String] = ["/proc/self/exe"], cpus: [Int] = []) throws(MigrationError) {
    self.ram = ram
    var ends: [Int32] = [-1, -1]
    // No other process started meanwhile may inherit them, or the stream wouldn't end with this one.
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .destination("\(SystemCallError(call: "socketpair", code: errno))")
    }
    socket = ends[0]
    var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    headers = .allocate(byteCount: Self.batch * 16, alignment: 16)
    pieces.reserveCapacity(Self.batch * 2)
    do throws(SystemCallError) {
      said = try MemoryFile()
      child = try ChildProcess(
        program + [DestinationServer.command, "\(ram.pages)", cpus.map(String.init).joined(separator: ",")],
        input: ends[1], error: said.descriptor)
    } catch {
      close(ends[0])
      close(ends[1])
      headers.deallocate()
      throw .destination("\(error)")
    }
    close(ends[1])
    _ = try words(1)
  }

  deinit {
    close(socket)
    headers.deallocate()
  }

  /// The process id.
  public var processID: Int32 { child.id }

  /// Adds a page to the batch, with its content as of sending, or as zero.
  func add(_ page: Int, isZero: Bool) {
    let kind = isZero ? StreamFormat.zeroPage : StreamFormat.page
    let bytes = isZero ? 9 : 8
    let place = headers + headerBytes
    place.storeBytes(of: StreamFormat.header(kind, page).littleEndian, as: UInt64.self)
    if isZero { place.storeBytes(of: 0, toByteOffset: 8, as: UInt8.self) }
    if let last = pieces.last, last.iov_base.map({ $0 + last.iov_len }) == place {
      pieces[pieces.count - 1].iov_len += bytes
    } else {
      pieces.append(iovec(iov_base: place, iov_len: bytes))
    }
    headerBytes += bytes
    if !isZero { pieces.append(iovec(iov_base: ram.address(page), iov_len: 4096)) }
    bytesInHand += isZero ? bytes : bytes + 4096
  }

  /// Sends the batch.
  ///
  /// - Throws: ``MigrationError/destination(_:)``
  func send() throws(MigrationError) {
    let code = pieces.withUnsafeMutableBufferPointer { Socket.send(socket, $0) }
    pieces.removeAll(keepingCapacity: true)
    (headerBytes, bytesInHand) = (0, 0)
    if code != 0 { throw failure("sending", code) }
  }

  /// Waits until the destination has received everything.
  ///
  /// - Throws: ``MigrationError/destination(_:)``
  func flush() throws(MigrationError) {
    try ask([StreamFormat.header(StreamFormat.flush, 0)])
    _ = try words(1)
  }

  /// The hashes of the destination's pages, by ``GuestRAM/hash(_:seed:)``.
  ///
  /// - Throws: ``MigrationError/destination(_:)``
  func hashes(_ pages: Range<Int>, seed: UInt64) throws(MigrationError) -> [UInt64] {
    try ask([StreamFormat.header(StreamFormat.hashes, pages.lowerBound), UInt64(pages.count), seed])
    return try words(pages.count)
  }

  private func ask(_ words: [UInt64]) throws(MigrationError) {
    let code = words.withUnsafeBytes { Socket.send(socket, $0) }
    if code != 0 { throw failure("asking", code) }
  }

  private func words(_ count: Int) throws(MigrationError) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: count)
    let code = words.withUnsafeMutableBytes { Socket.receive(socket, $0) }
    if code != 0 { throw failure("waiting for an answer", code) }
    return words
  }

  /// An error with what is known of the process's end.
  private func failure(_ what: String, _ code: Int32) -> MigrationError {
    if code == EAGAIN || code == EWOULDBLOCK {
      return .destination("\(what): nothing for \(Self.patience) s")
    }
    // Its socket may be closed shortly before it has ended.
    guard let end = child.wait(until: .now + .seconds(2)) else {
      return .destination("\(what): \(String(cString: strerror(code)))")
    }
    let line = said.text.split(separator: "\n").last.map { ": \($0)" } ?? ""
    return .destination("\(what): it ended with \(end)\(line)")
  }
}
