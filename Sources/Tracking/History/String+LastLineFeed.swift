extension String {
  /// Without the line feed that a table ends in, where parts are set apart by empty lines or printed by line.
  var withoutLastLineFeed: String { hasSuffix("\n") ? String(dropLast()) : self }
}
