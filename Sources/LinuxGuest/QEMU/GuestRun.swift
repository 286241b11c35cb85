/// What a guest left behind that ran all its commands and powered off.
public struct GuestRun: Sendable {
  /// One for each command, in their order.
  public var results: [CommandResult]
  /// The files asked for, by their path in the guest.
  public var files: [String: [UInt8]]
  /// What the guest's kernel said, from the first line to the last.
  public var console: String
  /// From QEMU's start to its end.
  public var duration: Duration
}
