import Machine
import Records
import SwiftCSV

/// A parsed CSV file: header, rows, and each row's line.
struct CSVTable {
  /// The file's path.
  let path: String
  /// The names in the header line; empty if that line is incomplete.
  let header: [String]
  /// The rows, all as long as the header.
  var rows: [Row]
  /// Whether a torn last line was left out.
  let isTorn: Bool

  /// A row and its first line.
  struct Row {
    var fields: [String]
    var line: Int
  }

  /// Reads a file.
  ///
  /// Anything after the last line feed outside quotes is a torn line, which a killed writer leaves; it is ignored.
  /// - Throws: ``UserError`` of kind input if a line violates RFC 4180 or doesn't have the header's length.
  init(reading path: String) throws(UserError) {
    try self.init(bytes: FileAccess.read(path), path: path)
  }

  init(bytes: [UInt8], path: String) throws(UserError) {
    self.path = path
    let whole = Self.wholeLines(bytes)
    isTorn = whole < bytes.count
    guard bytes.count - whole <= Self.longestLine else {
      let line = 1 + bytes[..<whole].count { $0 == UInt8(ascii: "\n") }
      throw .input(file: path, line: line, "a quote is opened and never closed", accepted: "expected RFC 4180")
    }
    let mark = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
    let lines = try Self.parse(bytes[min(mark, whole)..<whole], path: path)
    header = lines.first?.fields ?? []
    rows = Array(lines.dropFirst())
    for row in rows where row.fields.count != header.count {
      throw .input(
        file: path, line: row.line, "\(row.fields.count) fields",
        accepted: "expected \(header.count) as in the header")
    }
  }

  /// Longer than any line of a run. More than this after the last complete line isn't a torn line but a damaged file.
  /// Bytes.
  private static let longestLine = 1 << 16

  /// The byte order mark that spreadsheets write.
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The number of bytes in complete lines. A line feed within quotes doesn't end a line; quotes come in pairs, doubled
  /// ones too.
  private static func wholeLines(_ bytes: [UInt8]) -> Int {
    var isQuoted = false
    var end = 0
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if byte == UInt8(ascii: "\n") && !isQuoted { end = index + 1 }
    }
    return end
  }

  private static func parse(_ bytes: ArraySlice<UInt8>, path: String) throws(UserError) -> [Row] {
    let text = String(String.UnicodeScalarView(bytes.map(scalar)))
    var rows: [Row] = []
    var line = 1
    do {
      // Only the header is parsed here: `CSV` pads rows to equal lengths, which hides short ones.
      let csv = try EnumeratedCSV(string: text, delimiter: .comma, loadColumns: false, rowLimit: 0)
      try csv.enumerateAsArray(startAt: 0, rowLimit: nil) { fields in
        let fields = fields.map { String(decoding: $0.unicodeScalars.map(byte), as: UTF8.self) }
        rows.append(Row(fields: fields, line: line))
        line += 1 + fields.reduce(0) { $0 + $1.utf8.count { $0 == UInt8(ascii: "\n") } }
      }
    } catch CSVParseError.quotation(let message), CSVParseError.generic(let message) {
      throw .input(file: path, line: line, message, accepted: "expected RFC 4180")
    } catch {
      throw .input(file: path, line: line, "\(error)", accepted: "expected RFC 4180")
    }
    return rows
  }

  // SwiftCSV works on characters: a leading combining mark would merge with the comma before it, and some non-ASCII
  // characters count as white space or line ends. So non-ASCII bytes are mapped to private-use scalars, which do
  // neither.
  private static let privateUse: UInt32 = 0xE000

  private static func scalar(_ byte: UInt8) -> Unicode.Scalar {
    byte < 0x80 ? Unicode.Scalar(byte) : Unicode.Scalar(privateUse + UInt32(byte)) ?? "?"
  }

  private static func byte(_ scalar: Unicode.Scalar) -> UInt8 {
    UInt8(truncatingIfNeeded: scalar.value < 0x80 ? scalar.value : scalar.value - privateUse)
  }
}

extension CSVTable {
  /// Parses the rows as records. `schema`: the run's schema_version.
  ///
  /// - Throws: ``UserError`` of kind input if the header or a field doesn't match the record.
  func records<Record: TabularRecord>(_ type: Record.Type, schema: Int) throws(UserError) -> [Record] {
    let columns = Record.columns.filter { $0.since <= schema }
    try requireHeader(columns.map(\.name), schema: schema)
    var records: [Record] = []
    records.reserveCapacity(rows.count)
    for row in rows {
      var record = Record.blank
      for (column, field) in zip(columns, row.fields) where !column.read(field.isEmpty ? nil : field, &record) {
        let problem = field.isEmpty ? "\(column.name) is empty" : "\(column.name) can't be \"\(field)\""
        let unit = column.unit.isEmpty ? "" : " in \(column.unit)"
        throw .input(file: path, line: row.line, problem, accepted: "expected a value\(unit) as `run` writes it")
      }
      records.append(record)
    }
    return records
  }

  /// - Throws: ``UserError`` of kind input if the header differs.
  func requireHeader(_ names: [String], schema: Int) throws(UserError) {
    guard header != names else { return }
    let problem =
      if let missing = names.first(where: { !header.contains($0) }) {
        "the column \(missing) is missing"
      } else if let other = header.first(where: { !names.contains($0) }) {
        "the column \(other) is unknown"
      } else {
        "the columns stand in another order"
      }
    throw .input(
      file: path, line: 1, problem, accepted: "expected the header of schema_version \(schema)")
  }

  /// Each row's repetition, by the columns cell_id and repetition; nil if the table lacks them.
  func keys() throws(UserError) -> [RepetitionKey]? {
    guard let cell = header.firstIndex(of: "cell_id"), let repetition = header.firstIndex(of: "repetition") else {
      return nil
    }
    var keys: [RepetitionKey] = []
    for row in rows {
      guard let number = Int(row.fields[repetition]) else {
        throw .input(
          file: path, line: row.line, "repetition can't be \"\(row.fields[repetition])\"",
          accepted: "expected a whole number")
      }
      keys.append(RepetitionKey(cellID: row.fields[cell], repetition: number))
    }
    return keys
  }

  /// The file's content with the remaining rows.
  var bytes: [UInt8] { CSVWriter.line(header) + rows.flatMap { CSVWriter.line($0.fields) } }
}
