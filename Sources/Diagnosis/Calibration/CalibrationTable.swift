import Foundation
import Instruments
import Records
import Reporting

/// The text of `hintbench calibrate`: the machine, the cost of each primitive step, and what wasn't measured and why.
public struct CalibrationTable {
  private let calibration: Calibration

  public init(_ calibration: Calibration) { self.calibration = calibration }

  public var text: String {
    let loads = calibration.rungs.filter { $0.primitive.spanBytes != nil }
    let others = calibration.rungs.filter { $0.primitive.spanBytes == nil }
    let parts: [String?] = [
      machine, steps(others), table(ofLoads: loads, "dependent-load"), table(ofLoads: loads, "independent-load"),
      notMeasured,
    ]
    return parts.compactMap { $0?.trimmingCharacters(in: .newlines) }.joined(separator: "\n\n")
  }

  // MARK: parts

  private var machine: String {
    let host = calibration.host
    let cpus = host.allowedCPUs?.count
    let caches = host.caches.filter { $0.type != "Instruction" }.compactMap { cache in
      cache.sizeBytes.map { "L\(cache.level) \(Figure.bytes(UInt64($0)))" }
    }
    let parts: [String?] = [
      host.cpuModel ?? "unknown processor",
      cpus.map { $0 == 1 ? "1 CPU" : "\($0) CPUs" },
      caches.isEmpty ? nil : caches.joined(separator: " "),
      host.memoryBytes.map { "\(Figure.bytes($0)) of memory" },
      host.isVirtualMachine == true ? "virtual machine" + (host.hypervisorVendor.map { " (\($0))" } ?? "") : nil,
      host.kernelRelease.map { "Linux \($0)" },
      "\(host.build.mode) build",
      calibration.isQuick ? "quick" : nil,
    ]
    let measured = calibration.rungs.count { $0.figure != nil }
    return parts.compactMap { $0 }.joined(separator: ", ")
      + "\n\(measured) of \(calibration.rungs.count) rungs measured in "
      + Figure.time(ns: (calibration.durationNanoseconds / 1e8).rounded() * 1e8)
  }

  private func steps(_ rungs: [Rung]) -> String? {
    let rows = rungs.compactMap { rung -> [String]? in
      guard let figure = rung.figure else { return nil }
      let notes = [rung.gibPerSecond.map { "\(Figure.number($0)) GiB/s" }, figure.note].compactMap { $0 }
      return [
        Self.name(rung.primitive), "ns/\(rung.primitive.per)", Figure.number(figure.cost.median),
        Self.range(figure.cost),
        "\(figure.rounds) x \(figure.operations)", notes.joined(separator: "; "),
      ]
    }
    guard !rows.isEmpty else { return nil }
    return TableText.render(
      titles: ["what", "unit", "median", "range", "rounds x steps", "note"], rows: rows, leftAligned: [0, 1, 5])
  }

  /// Returns a table with a row for each working set and page size, and a column for each arrangement of heads.
  private func table(ofLoads rungs: [Rung], _ name: String) -> String? {
    struct Row: Hashable {
      var span: UInt64
      var page: UInt64
    }
    struct Column: Hashable {
      var apart: UInt64
      var order: Primitive.Order
    }
    var rows: [Row] = []
    var columns: [Column] = []
    var costs: [Row: [Column: CostRange]] = [:]
    var what = ""
    for rung in rungs where rung.primitive.name == name {
      let primitive = rung.primitive
      guard let span = primitive.spanBytes, let page = primitive.pageBytes, let apart = primitive.apartBytes,
        let order = primitive.order, let cost = rung.figure?.cost
      else { continue }
      let row = Row(span: span, page: page)
      let column = Column(apart: apart, order: order)
      if !rows.contains(row) { rows.append(row) }
      if !columns.contains(column) { columns.append(column) }
      costs[row, default: [:]][column] = cost
      what = primitive.what
    }
    guard !rows.isEmpty else { return nil }
    let titles = ["span", "pages"] + columns.map { "\(Figure.bytes($0.apart)) apart, \($0.order.rawValue)" }
    let texts = rows.map { row in
      [Figure.bytes(row.span), Figure.bytes(row.page)]
        + columns.map { column in
          costs[row]?[column].map { "\(Figure.number($0.median)) (\(Self.range($0)))" } ?? Figure.missing
        }
    }
    return "\(what), ns/load, by the span that the list's heads lie in:\n"
      + TableText.render(titles: titles, rows: texts, leftAligned: [])
  }

  private var notMeasured: String? {
    var reasons: [String] = []
    var missing: [String: [Primitive]] = [:]
    for rung in calibration.rungs {
      guard let reason = rung.reason else { continue }
      if missing[reason] == nil { reasons.append(reason) }
      missing[reason, default: []].append(rung.primitive)
    }
    guard !reasons.isEmpty else { return nil }
    return "Not measured:\n"
      + reasons.map { "  \(Self.names(missing[$0] ?? []).joined(separator: "; ")): \($0)" }.joined(separator: "\n")
  }

  // MARK: texts

  /// The step's name with its settings.
  private static func name(_ primitive: Primitive) -> String {
    let parts: [String?] = [
      primitive.what,
      primitive.lock,
      primitive.operationBytes.map(Figure.bytes),
      primitive.guestBytes.map { "\(Figure.bytes($0)) guest" },
      primitive.state,
      primitive.per == "page" ? nil : primitive.pageBytes.map { "\(Figure.bytes($0)) pages" },
      primitive.cache,
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  /// The steps' names, with steps of one guest, and loads that differ only in span, combined.
  private static func names(_ primitives: [Primitive]) -> [String] {
    var names: [String] = []
    var spans: [String: [String]] = [:]
    for primitive in primitives {
      var name = self.name(primitive)
      if let span = primitive.spanBytes, let page = primitive.pageBytes, let apart = primitive.apartBytes {
        name = " in \(Figure.bytes(page)) pages, \(Figure.bytes(apart)) apart"
        let text = Figure.bytes(span)
        if spans[name]?.contains(text) != true { spans[name, default: []].append(text) }
      } else if let guest = primitive.guestBytes {
        name = "list walks, \(Figure.bytes(guest)) guest"
      }
      if !names.contains(name) { names.append(name) }
    }
    return names.map { name in spans[name].map { "loads over \($0.joined(separator: ", "))\(name)" } ?? name }
  }

  private static func range(_ cost: CostRange) -> String {
    "\(Figure.number(cost.lowest))–\(Figure.number(cost.highest))"
  }
}
