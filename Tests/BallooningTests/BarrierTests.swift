import CHost
import Foundation
import Testing

/// The review's question what the series' write barriers cost under the lock. On x86-64: nothing that could be timed,
/// for there is no instruction.
@Suite struct BarrierTests {
  /// The series' list and owner, without, with the barrier that this program has, and with one that is an instruction.
  private static let source = """
    #include "host.h"
    struct item { struct item *next; void *owner; };
    void plain(struct item *i, struct item *l, void *o) { i->next = l->next; l->next = i; i->owner = o; }
    void barrier(struct item *i, struct item *l, void *o) {
      i->next = l->next; l->next = i; chost_write_barrier(); i->owner = o; }
    void fence(struct item *i, struct item *l, void *o) {
      i->next = l->next; l->next = i; chost_fence(); i->owner = o; }
    """

  private static func program(_ names: [String]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    for name in names {
      for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }

  private static let compiler = program(["clang", "cc", "gcc"])
  private static let objdump = program(["objdump", "llvm-objdump"])

  private static func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments)")
    return String(decoding: output, as: UTF8.self)
  }

  /// By function, its instructions in order.
  private static func instructions(of object: String) throws -> [String: [String]] {
    var found: [String: [String]] = [:]
    var name: String?
    for line in try run(#require(objdump), ["-d", "--no-show-raw-insn", object]).split(separator: "\n") {
      if line.hasSuffix(">:"), let start = line.firstIndex(of: "<") {
        name = String(line[line.index(after: start)...].dropLast(2))
      } else if let name, let colon = line.firstIndex(of: ":"), line.first == " " {
        let text = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        // Between functions.
        if !text.contains("nop") && !text.hasPrefix("xchg %ax,%ax") && !text.hasPrefix("data16") {
          found[name, default: []].append(text)
        }
      }
    }
    return found
  }

  @Test(
    .enabled(if: compiler != nil, "no C compiler here: clang, cc or gcc"),
    .enabled(if: objdump != nil, "no objdump here: install binutils"))
  func aWriteBarrierIsNoInstructionOnX86() throws {
    let folder = NSTemporaryDirectory() + "hintbench-barrier-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data((Self.source + "\n").utf8).write(to: URL(fileURLWithPath: folder + "/barrier.c"))
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let headers = root.appendingPathComponent("Sources/CHost/include").path
    _ = try Self.run(
      #require(Self.compiler),
      ["-O2", "-I", headers, "-c", folder + "/barrier.c", "-o", folder + "/barrier.o"])
    let found = try Self.instructions(of: folder + "/barrier.o")
    let plain = try #require(found["plain"])
    let barrier = try #require(found["barrier"])
    let fence = try #require(found["fence"])
    #expect(plain.count >= 5)
    #if arch(x86_64)
      // The compiler may keep to another order: what counts is that nothing is there but the stores' own.
      #expect(barrier.sorted() == plain.sorted(), "\(plain) \(barrier)")
    #else
      #expect(barrier.count == plain.count + 1)
    #endif
    // The comparison sees an instruction where there is one.
    #expect(fence.sorted() != plain.sorted() && fence.count == plain.count + 1, "\(fence)")
  }
}
