import CHost
import Glibc
import Machine

/// The destination of a migration in real time: a process that keeps received pages in its own mapping and returns
/// their hashes.
///
/// It is this program, started by ``Destination`` with a socket as its standard input. It ends when the source does.
public struct DestinationServer {
  /// The subcommand that makes a program call ``serve(_:)``.
  public static let command = "migration-destination"

  private let ram: GuestRAM
  private let input = SocketReader(socket: STDIN_FILENO)
  /// The pages that have content; such a page must be zeroed when it becomes zero.
  private var filled: MigrationBitmap

  /// Serves until the source closes the socket.
  ///
  /// - Parameter words: the command's arguments: the guest's page count, and a comma-separated, possibly empty list of
  ///   CPUs.
  /// - Throws: ``MigrationError`` if this isn't a destination process or the stream is malformed, ``SystemCallError``
  ///   if memory or the socket fails.
  public static func serve(_ words: [String]) throws {
    guard words.count == 2, let pages = Int(words[0]), pages > 0, pages <= 1 << 40 else {
      throw MigrationError.destination("`\(command)` is what `run migration --clock real` starts")
    }
    // If this is refused, it stays on its parent's CPUs.
    try? ThreadPlacement.allow(words[1].split(separator: ",").compactMap { Int($0) })
    var server = DestinationServer(try GuestRAM(pages: pages))
    try server.run()
  }

  private init(_ ram: GuestRAM) {
    self.ram = ram
    filled = MigrationBitmap(units: ram.pages, allSet: false)
  }

  private mutating func run() throws {
    // Ready.
    try answer([StreamFormat.flush])
    while let header = try input.word() {
      let page = StreamFormat.page(header)
      guard page < ram.pages else { throw MigrationError.destination("page \(page) of \(ram.pages)") }
      switch StreamFormat.kind(header) {
      case StreamFormat.page:
        try input.read(into: ram.address(page), 4096)
        filled.set(page)
      case StreamFormat.zeroPage:
        try input.skip(1)
        if filled.clear(page..<page + 1) > 0 { ram.zero(.init(pfn: UInt64(page), order: 0)) }
      case StreamFormat.flush:
        try answer([header])
      case StreamFormat.hashes:
        guard let count = try input.word(), let seed = try input.word(), count <= StreamFormat.mostHashes,
          page + Int(count) <= ram.pages
        else { throw MigrationError.destination("hashes of pages that there aren't") }
        try answer((page..<page + Int(count)).map { ram.hash($0, seed: seed) })
      default:
        throw MigrationError.destination("a header of \(header) in the stream")
      }
    }
  }

  private func answer(_ words: [UInt64]) throws(SystemCallError) {
    let code = words.withUnsafeBytes { Socket.send(STDIN_FILENO, $0) }
    guard code == 0 else { throw SystemCallError(call: "send to the source", code: code) }
  }
}
