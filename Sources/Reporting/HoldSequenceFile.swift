import Records

/// What a run keeps of a repetition until it is finished, in `holds/CELL-REPETITION.bin`: the number of its rows in
/// each side file, to detect lost rows, and the holds in order, from which a cell's longest are computed.
/// Little-endian 64-bit words.
struct HoldSequenceFile: Equatable {
  /// Rows of the repetition in zones.csv.
  var zoneRows: Int
  /// Rows of the repetition in lock_holds.csv.
  var bucketRows: Int
  /// Rows of the repetition in EXPERIMENT.csv, events.csv and coverage.csv.
  var otherRows: Int
  /// The holds in order; nil if the repetition has no sequence.
  var holds: HoldSequence?

  /// The folder of these files in the run folder.
  static let folder = "holds"

  static func name(of key: RepetitionKey) -> String { "\(key.cellID)-\(key.repetition).bin" }

  var bytes: [UInt8] {
    // A sequence's length is stored plus one: 0 stands for none.
    let length = holds.map { UInt64($0.lengths.count) + 1 } ?? 0
    let words =
      [UInt64(zoneRows), UInt64(bucketRows), UInt64(otherRows), length, UInt64(holds?.preempted.count ?? 0)]
      + (holds.map { $0.lengths + $0.preempted.map { UInt64($0) } } ?? [])
    return words.map(\.littleEndian).withUnsafeBytes { Array($0) }
  }

  init(zoneRows: Int, bucketRows: Int, otherRows: Int, holds: HoldSequence?) {
    self.zoneRows = zoneRows
    self.bucketRows = bucketRows
    self.otherRows = otherRows
    self.holds = holds
  }

  /// Parses a file's content; nil if it is incomplete.
  init?(bytes: [UInt8]) {
    guard bytes.count >= 40, bytes.count.isMultiple(of: 8) else { return nil }
    let words = bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 8).map { offset in
        UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
    }
    guard let zoneRows = Int(exactly: words[0]), let bucketRows = Int(exactly: words[1]),
      let otherRows = Int(exactly: words[2]), let length = Int(exactly: words[3]),
      let preemptedCount = Int(exactly: words[4])
    else { return nil }
    let count = max(0, length - 1)
    let sequence = words.dropFirst(5)
    // One after the other, so that no sum can overflow.
    guard sequence.count >= count, sequence.count - count == preemptedCount else { return nil }
    let preempted = sequence.dropFirst(count).map { Int(truncatingIfNeeded: $0) }
    guard preempted.allSatisfy((0..<count).contains) else { return nil }
    self.init(
      zoneRows: zoneRows, bucketRows: bucketRows, otherRows: otherRows,
      holds: length == 0 ? nil : HoldSequence(Array(sequence.prefix(count)), preempted: preempted))
  }
}
