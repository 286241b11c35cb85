/// The declared dimensions of a cell and their values, from which its id is computed.
public struct CellIdentity: Sendable {
  private var values: [String: String?] = [:]

  /// Creates the identity of an experiment and its options. An option's implied value, which cells had before the
  /// option existed, is left out.
  public init(_ experiment: ExperimentCard, _ options: OptionValues) {
    values["experiment"] = experiment.name
    for option in experiment.options where option.tellsCellsApart {
      guard let value = options[option.name], value != option.impliedValue else { continue }
      values[option.name.replacing("-", with: "_")] = value
    }
  }

  /// Sets a dimension; nil is a distinct value.
  public mutating func set(_ name: String, _ value: String?) { values[name] = .some(value) }

  /// Sets a dimension that was added later; it is left out if it has the value that cells implicitly had before.
  public mutating func set(_ name: String, _ value: String?, implied: String?) {
    if value != implied { set(name, value) }
  }

  public var id: String { CellID.make(from: values.map { (name: $0.key, value: $0.value) }) }
}

/// The id of a cell: a hash of the values that identify it.
///
/// The same point of the matrix gets the same id in every run, on every machine, at any time, so that comparisons can
/// match cells. Included:
/// - `experiment` and the `strategy`'s name with its options, without those that have the value implied before they
///   existed;
/// - the guest as requested: guest_bytes, nodes, cpus, granule_order, vmemmap_page_bytes, lock_kind, page_init, state,
///   list_order, the wanted free fraction or the content of the capture files, order, budget, buffer sizes;
/// - load and placement as requested: load, mutators, cache, host_ack_ns, scanners, the placement's name.
///
/// Left out: seed, time, commit, branch, host, run_id, repetition, and everything measured: list_adjacent, the
/// resulting free_fraction, bytes_free, scan_cpu, scan_node, memory_node, every result.
public enum CellID {
  /// Returns the id of the cell with these values: 16 hexadecimal digits, 64-bit FNV-1a over the sorted pairs.
  ///
  /// The order of the pairs doesn't matter. A nil value differs from an empty one, and from a missing pair.
  public static func make(from values: [(name: String, value: String?)]) -> String {
    var hash = FNV1a()
    for (name, value) in values.sorted(by: { $0.name < $1.name }) {
      // Lengths first, so that no value can run into the next name.
      hash.add(name)
      hash.add(UInt8(value == nil ? 0 : 1))
      if let value { hash.add(value) }
    }
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
