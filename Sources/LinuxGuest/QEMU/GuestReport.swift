/// What came out of a guest's second serial port: see ``GuestScript``.
///
/// A report that was cut off anywhere is read as far as it goes.
struct GuestReport {
  /// What a command left.
  struct Outcome: Equatable {
    var status: Int
    var standardOutput: [UInt8]
    var standardError: [UInt8]
  }

  /// Of the commands that ended, in their order.
  private(set) var results: [Outcome] = []
  private(set) var files: [String: [UInt8]] = [:]
  /// Whether the guest has said all it had to say.
  private(set) var isComplete = false
  private var hasBegun = false

  /// - Throws: ``LinuxGuestError/garbled(_:)`` with the line that is none of a report's.
  init(_ bytes: [UInt8]) throws(LinuxGuestError) {
    var rest = bytes[...]
    while let line = Self.takeLine(&rest) {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
      switch words[0] {
      case "begin" where words.count == 1 && !hasBegun: hasBegun = true
      case "result" where hasBegun:
        let numbers = line.split(separator: " ").dropFirst().map { Int($0) ?? -1 }
        guard numbers.count == 3, numbers.allSatisfy({ $0 >= 0 }) else { throw .garbled(line) }
        guard let out = Self.take(numbers[1], &rest), let error = Self.take(numbers[2], &rest) else { return }
        results.append(Outcome(status: numbers[0], standardOutput: out, standardError: error))
      case "file" where hasBegun && words.count == 3:
        guard let length = Int(words[1]), length >= 0 else { throw .garbled(line) }
        guard let contents = Self.take(length, &rest) else { return }
        files[String(words[2])] = contents
      case "end" where words.count == 1 && hasBegun && rest.isEmpty: isComplete = true
      default: throw .garbled(line)
      }
    }
  }

  /// What the guest was at when the report was cut off, for people.
  func phase(of commands: [String]) -> String {
    if isComplete { return "power off" }
    guard hasBegun else { return "boot" }
    guard results.count < commands.count else { return "the return of files" }
    return "command \(results.count + 1) of \(commands.count), \(commands[results.count])"
  }

  /// The next line without its end; nil if no whole one is left.
  private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { rest = rest[(end + 1)...] }
    return String(decoding: rest[..<end], as: UTF8.self)
  }

  private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
