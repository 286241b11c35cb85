import Records

/// Former configuration keys: settings that became options when experiments declared their own. Checked-in files and
/// old meta.json still have them; they are read for one release.
struct FormerOptions {
  /// The values by option name, without those that were every experiment's default, since not every experiment has the
  /// option now.
  private(set) var values: [String: [String]] = [:]
  let keys: [String]

  /// A key, and the value that is dropped as the former default.
  typealias Key = (name: String, standard: String?)

  private static let numbers: Set = ["mutators", "mutator_rate"]

  static let ofRuns: [Key] = [
    ("load", "none"), ("host_ack_ns", nil), ("clock", nil), ("window", nil), ("bandwidth", nil),
    ("downtime_limit", nil), ("exit_ns", nil), ("mutator_rate", nil), ("mutators", nil), ("page_init", "none"),
    ("cache", "cold"), ("placement", "local"), ("scanners", "one"),
  ]

  static let ofGroups: [Key] = [
    ("loads", nil), ("host_ack_ns", nil), ("clock", nil), ("window", nil), ("bandwidth", nil), ("downtime_limit", nil),
  ]

  init(_ decoder: any Decoder, of known: [Key]) throws {
    keys = known.map(\.name)
    let box = try decoder.container(keyedBy: AnyKey.self)
    for (name, standard) in known {
      guard let key = AnyKey(stringValue: name), box.contains(key), try !box.decodeNil(forKey: key) else { continue }
      let texts: [String]
      if let list = try? box.decode([String].self, forKey: key) {
        texts = list
      } else if Self.numbers.contains(name) {
        texts = ["\(try box.decode(Int.self, forKey: key))"]
      } else {
        texts = try box.decode(String.self, forKey: key).split(separator: ",", omittingEmptySubsequences: false)
          .map(String.init)
      }
      if texts.isEmpty || texts == [standard] { continue }
      values[name == "loads" ? "load" : name.replacing("_", with: "-")] = texts
    }
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
