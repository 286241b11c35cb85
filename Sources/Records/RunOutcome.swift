/// How a session of a strategy ended.
public enum RunOutcome: String, CaseIterable, Codable, Sendable, ColumnValue {
  /// The strategy went through all it meant to.
  case complete
  /// It met its own cap.
  case limit
  /// It got no buffer.
  case noBuffer = "no-buffer"
  /// It was told to stop.
  case stopped
  /// It failed; the reason stands in meta.json.
  case error
}
