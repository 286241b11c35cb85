import Foundation
import Machine
import Records

/// The committed content of a run folder: the repetitions with all their rows, and nothing else.
struct RunContents {
  /// meta.json.
  let meta: RunMeta
  /// The committed repetitions, in the order they were written.
  let runs: [RunRecord]
  /// The keys of the committed repetitions.
  let committed: Set<RepetitionKey>
  /// Repetitions whose row of runs.csv is dropped because their rows in other files are lost; they are run again.
  let lost: [RepetitionKey]
  /// The new content of files, by name, so that only committed rows stay; nil for a file without a complete header
  /// line.
  let rewrites: [String: [UInt8]?]

  /// Reads meta.json.
  ///
  /// - Throws: ``UserError`` of kind input if it is missing or of an unsupported schema.
  static func meta(of path: String) throws(UserError) -> RunMeta {
    let file = path + "/meta.json"
    let versions = RunMeta.readableSchemaVersions
    let accepted = "expected a run folder of schema_version \(versions.lowerBound) to \(versions.upperBound)"
    guard FileAccess.exists(file) else { throw .input(file: file, "there is no such file", accepted: accepted) }
    let bytes = try FileAccess.read(file)
    do {
      let version = try JSONDecoder.standard.decode(SchemaVersion.self, from: Data(bytes)).schema_version
      guard versions.contains(version) else {
        throw UserError.input(file: file, "schema_version is \(version)", accepted: accepted)
      }
      return try JSONDecoder.standard.decode(RunMeta.self, from: Data(bytes))
    } catch let error as UserError {
      throw error
    } catch {
      throw .input(file: file, describe(error), accepted: accepted)
    }
  }

  private struct SchemaVersion: Decodable {
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var schema_version: Int
  }

  private static func describe(_ error: any Error) -> String {
    func name(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "\(name(context.codingPath + [key])) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return "\(name(context.codingPath)) has another type"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "\(name(context.codingPath)): \(context.debugDescription)"
    default:
      return "not JSON"
    }
  }

  /// Reads the folder without changing it.
  ///
  /// - Throws: ``UserError`` of kind input if a complete line is invalid.
  init(of path: String) throws(UserError) {
    meta = try Self.meta(of: path)
    let sideNames = try Self.sideFiles(in: path)

    // Rows of runs.csv commit; a repetition with two rows is taken once.
    let runsFile = path + "/" + RunRecord.fileName
    var table: CSVTable?
    var written: [RunRecord] = []
    if FileAccess.exists(runsFile) {
      table = try CSVTable(reading: runsFile)
      if let table, !table.header.isEmpty { written = try table.records(RunRecord.self, schema: meta.schemaVersion) }
    }
    var seen: Set<RepetitionKey> = []
    written = written.filter { seen.insert($0.key).inserted }

    // How many rows the side files have of each.
    var sides: [(name: String, table: CSVTable, keys: [RepetitionKey])] = []
    var rewrites: [String: [UInt8]?] = [:]
    var counts: [String: [RepetitionKey: Int]] = [:]
    for name in sideNames {
      let side = try CSVTable(reading: path + "/" + name)
      if side.header.isEmpty {
        rewrites[name] = .some(nil)
        continue
      }
      switch name {
      case ZoneRecord.fileName: try side.requireHeader(ZoneRecord.columns.map(\.name), schema: meta.schemaVersion)
      case HoldBucketRecord.fileName:
        try side.requireHeader(HoldBucketRecord.columns.map(\.name), schema: meta.schemaVersion)
      case EventCountRecord.fileName:
        try side.requireHeader(EventCountRecord.columns.map(\.name), schema: meta.schemaVersion)
      case CoverageRecord.fileName:
        try side.requireHeader(CoverageRecord.columns.map(\.name), schema: meta.schemaVersion)
      default: break
      }
      guard let keys = try side.keys() else { continue }
      sides.append((name, side, keys))
      counts[name] = Dictionary(keys.map { ($0, 1) }, uniquingKeysWith: +)
    }

    // A finished run has no holds/, and can't have lost anything. In an unfinished one a repetition is committed if all
    // rows it was written with exist.
    let holds = path + "/" + HoldSequenceFile.folder
    var lost: [RepetitionKey] = []
    if meta.finished == nil && FileAccess.isFolder(holds) {
      for key in written.map(\.key) {
        func rows(_ name: String) -> Int { counts[name]?[key] ?? 0 }
        let zones = rows(ZoneRecord.fileName)
        let buckets = rows(HoldBucketRecord.fileName)
        let others = counts.keys.reduce(0) { $0 + rows($1) } - zones - buckets
        let file = holds + "/" + HoldSequenceFile.name(of: key)
        guard FileAccess.exists(file), let kept = HoldSequenceFile(bytes: try FileAccess.read(file)),
          kept.zoneRows == zones, kept.bucketRows == buckets, kept.otherRows == others
        else {
          lost.append(key)
          continue
        }
      }
    }
    let gone = Set(lost)
    self.lost = lost
    runs = written.filter { !gone.contains($0.key) }
    let committed = Set(runs.map(\.key))
    self.committed = committed

    if table == nil || table?.isTorn == true || table?.header.isEmpty == true || table?.rows.count != runs.count {
      rewrites[RunRecord.fileName] =
        CSVWriter.line(RunRecord.columns.map(\.name)) + runs.flatMap { CSVWriter.line($0.fields) }
    }
    for (name, side, keys) in sides {
      var side = side
      let kept = zip(side.rows, keys).filter { committed.contains($1) }.map(\.0)
      guard side.isTorn || kept.count != side.rows.count else { continue }
      side.rows = kept
      rewrites[name] = side.bytes
    }
    self.rewrites = rewrites
  }

  /// The files with rows of repetitions other than runs.csv: zones.csv, lock_holds.csv, events.csv, coverage.csv,
  /// EXPERIMENT.csv.
  private static func sideFiles(in path: String) throws(UserError) -> [String] {
    try FileAccess.names(in: path).filter {
      $0.hasSuffix(".csv") && $0 != RunRecord.fileName && $0 != CellRecord.fileName
    }
  }
}
