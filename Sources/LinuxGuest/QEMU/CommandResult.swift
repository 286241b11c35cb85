/// What a command in a guest printed, and how it ended.
public struct CommandResult: Equatable, Sendable, CustomStringConvertible {
  /// The script for sh(1).
  public var command: String
  /// Its exit status: 0...255, above 128 where a signal ended it.
  public var status: Int
  /// All it wrote to standard output, byte for byte.
  public var standardOutput: [UInt8]
  /// All it wrote to standard error.
  public var standardError: [UInt8]

  /// Standard output as text.
  public var text: String { String(decoding: standardOutput, as: UTF8.self) }

  init(command: String, _ outcome: GuestReport.Outcome) {
    self.command = command
    status = outcome.status
    standardOutput = outcome.standardOutput
    standardError = outcome.standardError
  }

  /// The call with everything it left, for people.
  public var description: String {
    "\(command) -> \(status)\n\(text)\(String(decoding: standardError, as: UTF8.self))"
  }
}
