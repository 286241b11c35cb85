/// What a host does with memory that the guest says is free: the option `host`.
enum HintUse: String, CaseIterable, Sendable {
  /// Destroys its content: MADV_DONTNEED, a hole punched in a file.
  case discard
  /// Clears what of it has still to be sent, under a log of the guest's writes that has run since before the session
  /// (QEMU).
  case log
}
