import Records

/// What a run keeps of a repetition until it is finished, in `holds/CELL-REPETITION.bin`: the number of its rows in
/// each side file, to detect lost rows, and the holds in order, from which the repeatable maximum is computed.
/// Little-endian 64-bit words.
struct HoldSequenceFile: Equatable {
  /// Rows of the repetition in zones.csv.
  var zoneRows: Int
  /// Rows of the repetition in lock_holds.csv.
  var bucketRows: Int
  /// Rows of the repetition in EXPERIMENT.csv and events.csv.
  var otherRows: Int
  /// The holds in order, in the unit they were passed in; nil if the repetition has no sequence.
  var holds: [UInt64]?

  /// The folder of these files in the run folder.
  static let folder = "holds"

  static func name(of key: RepetitionKey) -> String { "\(key.cellID)-\(key.repetition).bin" }

  var bytes: [UInt8] {
    // A sequence's length is stored plus one: 0 stands for none.
    let length = holds.map { UInt64($0.count) + 1 } ?? 0
    let words = [UInt64(zoneRows), UInt64(bucketRows), UInt64(otherRows), length] + (holds ?? [])
    return words.map(\.littleEndian).withUnsafeBytes { Array($0) }
  }

  init(zoneRows: Int, bucketRows: Int, otherRows: Int, holds: [UInt64]?) {
    self.zoneRows = zoneRows
    self.bucketRows = bucketRows
    self.otherRows = otherRows
    self.holds = holds
  }

  /// Parses a file's content; nil if it is incomplete.
  init?(bytes: [UInt8]) {
    guard bytes.count >= 32, bytes.count.isMultiple(of: 8) else { return nil }
    let words = bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 8).map { offset in
        UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
    }
    let holds = Array(words.dropFirst(4))
    guard words[3] == UInt64(holds.count) + 1 || (words[3] == 0 && holds.isEmpty),
      let zoneRows = Int(exactly: words[0]), let bucketRows = Int(exactly: words[1]),
      let otherRows = Int(exactly: words[2])
    else { return nil }
    self.init(
      zoneRows: zoneRows, bucketRows: bucketRows, otherRows: otherRows,
      holds: words[3] == 0 ? nil : holds)
  }
}
