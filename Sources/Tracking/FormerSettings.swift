import Records

/// The settings of runs before schema_version 3 that their rows don't contain.
struct FormerSettings {
  private let free: [String?]
  private let movable: [String]
  private let windows: [String]
  private let rates: [String]

  /// - Parameter config: as in meta.json.
  init(_ config: JSONValue) {
    let groups: [JSONValue] = if case .array(let groups)? = config["groups"] { groups } else { [] }
    func texts(_ name: String, standard: [String]) -> [String] {
      var found: [String] = []
      for place in [config] + groups {
        let text: String? =
          switch place[name] {
          case .string(let text): text
          case .number(let number): "\(number)"
          case .integer(let number): "\(number)"
          default: nil
          }
        if let text, !found.contains(text) { found.append(text) }
      }
      return found + standard.filter { !found.contains($0) }
    }
    free = [nil] + texts("free", standard: ["0.5"]).map { Double($0).map { "\($0)" } }
    movable = texts("movable", standard: ["0.0"]).compactMap { Double($0).map { "\($0)" } }
    // 100ms, 200ms and 3s were the experiments' defaults.
    windows = texts("window", standard: ["100ms", "200ms", "3s"])
    rates = texts("mutator_rate", standard: ["20000"]).compactMap { Double($0).map { "\($0)" } }
  }

  /// A possible set of a cell's former settings.
  struct Candidate {
    private var values: [String: String?]
    private let window: String?
    private let rate: String

    /// The former id.
    var id: String { CellID.make(from: values.map { (name: $0.key, value: $0.value) }) }

    init(_ values: [String: String?], window: String?, rate: String) {
      self.values = values
      self.window = window
      self.rate = rate
    }

    /// Today's dimensions of guest and strategy.
    func guest(_ card: ExperimentCard) -> [String: String?] {
      guard card.guest == .modelled else { return values.filter { $0.key == "guest_bytes" } }
      let names = [
        "guest_bytes", "nodes", "cpus", "granule_order", "vmemmap_page_bytes", "lock_kind", "state", "list_order",
        "free", "capture", "movable",
      ]
      return values.filter { name, _ in
        names.contains(name) || card.takesStrategies && ["strategy", "order"].contains(name)
      }
    }

    /// Today's options; nil if a value isn't valid any more.
    func options(of card: ExperimentCard, _ record: RunRecord, _ fields: [String: String]) -> OptionValues? {
      var given: [String: [String]] = [:]
      for option in card.options {
        let column = RunRecord.columns.first { $0.name == option.column }?.value(record)
        let text = column ?? fields[option.column]
        if let value = text.flatMap(option.value(ofField:)) {
          given[option.name] = [value]
        } else if option.name == "window", let window {
          given["window"] = [window]
        } else if option.name == "mutator-rate" {
          given["mutator-rate"] = Double(rate).flatMap { Int(exactly: $0) }.map { ["\($0)"] }
        } else if let text, !text.isEmpty, text != option.condition?.otherwise {
          return nil
        }
      }
      guard let sweep = try? OptionSweep(card.name, kind: "experiment"),
        let found = try? sweep.combinations(of: card.options, owner: card.owner, shared: [given]).values,
        found.count == 1
      else { return nil }
      return found[0]
    }
  }

  /// Every set of settings that fits this row. `own`: its first row in the experiment's own file.
  func candidates(_ record: RunRecord, _ own: [String: String]?) -> [Candidate] {
    let (guest, load) = (record.guest, record.load)
    func text(_ number: Int?) -> String { number.map(String.init) ?? "" }
    let known: [String: String?] = [
      "experiment": record.identity.experiment, "strategy": record.identity.strategy, "guest_bytes": "\(guest.bytes)",
      "nodes": text(guest.nodes), "cpus": text(guest.cpus), "granule_order": text(guest.granuleOrder),
      "vmemmap_page_bytes": text(guest.vmemmapPageBytes), "lock_kind": guest.lockKind, "page_init": guest.pageInit,
      "state": guest.state, "list_order": guest.listOrder, "capture": nil, "order": text(guest.order),
      "load": load.kind, "mutators": "\(load.mutators)", "cache": load.cache,
      "host_ack_ns": load.hostAckNs.map { String(Int($0)) } ?? "0",
    ]
    func decimal(_ column: String) -> String? { own?[column].flatMap { Double($0) }.map { "\($0)" } }
    var candidates: [Candidate] = []
    for free in free where (free == nil) == (guest.state != "aged") {
      for movable in movable {
        for window in [nil] + windows.map(Optional.init) {
          for rate in rates {
            var values = known
            values["free"] = .some(free)
            if movable != "0.0" { values["movable"] = movable }
            let span = window.flatMap { try? TimeSpan($0) }
            if let span { values["window_ns"] = "\(UInt64(span.nanoseconds))" }
            if let clock = own?["clock"] { values["clock"] = clock }
            if let bandwidth = decimal("bandwidth") { values["bandwidth"] = bandwidth }
            if let limit = decimal("downtime_limit_ns") { values["downtime_limit_ns"] = limit }
            if own?["clock"] == "virtual" || own?["bandwidth"] != nil { values["mutator_rate"] = rate }
            if let exit = own?["exit_ns"].flatMap({ Double($0) }), exit > 0 { values["exit_ns"] = "\(UInt64(exit))" }
            candidates.append(Candidate(values, window: window, rate: rate))
          }
        }
      }
    }
    return candidates
  }
}
