/// The declared dimensions of a cell with their values, of which its id is made.
public struct CellIdentity: Sendable {
  private var values: [String: String?] = [:]

  /// The experiment and its options. A value that cells had before the option existed stays out.
  public init(_ experiment: ExperimentCard, _ options: OptionValues) {
    values["experiment"] = experiment.name
    for option in experiment.options where option.tellsCellsApart {
      guard let value = options[option.name], value != option.impliedValue else { continue }
      values[option.name.replacing("-", with: "_")] = value
    }
  }

  /// A dimension; nil is a value of its own.
  public mutating func set(_ name: String, _ value: String?) { values[name] = .some(value) }

  /// A dimension that came later than others: left out where it has the value that cells had before.
  public mutating func set(_ name: String, _ value: String?, implied: String?) {
    if value != implied { set(name, value) }
  }

  public var id: String { CellID.make(from: values.map { (name: $0.key, value: $0.value) }) }
}

/// The name of a cell: a hash of the values that make it this cell and no other.
///
/// What belongs in, so that two runs on the same or on another machine, today or in a year, give the same point of the
/// matrix the same name and comparisons match on it:
/// - `experiment` and the `strategy`'s full name, options included;
/// - the guest as it was asked for: guest_bytes, nodes, cpus, granule_order, vmemmap_page_bytes, lock_kind, page_init,
///   state, list_order, the wanted free fraction or the content of the capture files, order, budget, buffer sizes;
/// - load and placement as they were asked for: load, mutators, cache, host_ack_ns, scanners, the placement's name.
///
/// What stays out: seed, time, commit, branch, host, run_id, repetition, and everything measured: list_adjacent,
/// free_fraction as it came out, bytes_free, scan_cpu, scan_node, memory_node, every result.
public enum CellID {
  /// The name of the cell with these values: 16 hexadecimal digits, FNV-1a over the sorted pairs, 64 bits.
  ///
  /// The order of the pairs doesn't matter. A nil value differs from an empty one, and from a pair left out.
  public static func make(from values: [(name: String, value: String?)]) -> String {
    var hash = FNV1a()
    for (name, value) in values.sorted(by: { $0.name < $1.name }) {
      // Lengths first: no value can run over into the next name.
      hash.add(name)
      hash.add(UInt8(value == nil ? 0 : 1))
      if let value { hash.add(value) }
    }
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
