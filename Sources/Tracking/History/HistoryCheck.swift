/// The newest run of a history compared with earlier ones, cell by cell.
public struct HistoryCheck: Sendable {
  /// The run that is judged.
  public let run: HistoryEntry
  /// The earlier runs that any cell was judged by, newest first.
  public let earlier: [HistoryEntry]
  /// One row per cell and key, in the run's order.
  public internal(set) var rows: [HistoryCheckRow]
  /// Cells of the latest comparable run that this one lacks, by readable name.
  public let lost: [String]
  /// The description of what all rows' cells have in common.
  public let common: [String]
  public let thresholds: Thresholds
  /// A sentence on failed repetitions of the run; nil if none failed.
  public let failures: String?
  /// What differs from the latest comparable run so that no cell of it can be in this one; nil if one is.
  public let difference: String?
  /// Whether a larger share of its repetitions failed than of the latest earlier run's.
  let failsMore: Bool
  /// The requested number of earlier values.
  public let window: Int

  /// The fewest earlier values that a measured metric can be judged by.
  public static let fewest = 5
  /// The default minimum effect, 25 %: runs of different nights differ far more than launches that take turns.
  public static let minimumEffect = 0.25
  /// A cell has not enough data if its earlier runs scatter so much that even this relative change (1: twice as much)
  /// would be missed.
  static let blind = 1.0

  init(
    run: HistoryEntry, earlier: [HistoryEntry], rows: [HistoryCheckRow], lost: [String], common: [String],
    thresholds: Thresholds, window: Int, failures: String? = nil, difference: String? = nil, failsMore: Bool = false
  ) {
    self.run = run
    self.earlier = earlier
    self.rows = Self.judged(rows, alpha: thresholds.alpha)
    self.lost = lost
    self.common = common
    self.thresholds = thresholds
    self.window = window
    self.failures = failures
    self.difference = difference
    self.failsMore = failsMore
  }

  /// The exit status: 2 if anything got worse; 3 if anything couldn't be judged or a cell is missing; 4 if something
  /// got better and `strict` is set; otherwise 0.
  public func exitStatus(strict: Bool) -> Int32 {
    if count(.worse) > 0 { return 2 }
    if rows.isEmpty || count(.notEnoughData) > 0 || !lost.isEmpty || failsMore { return 3 }
    return strict && count(.better) > 0 ? 4 : 0
  }

  public func count(_ verdict: Verdict) -> Int { rows.count { $0.verdict == verdict } }

  /// Gives the verdicts of all measured rows, whose p values are corrected together.
  private static func judged(_ rows: [HistoryCheckRow], alpha: Double) -> [HistoryCheckRow] {
    var rows = rows
    let tested = rows.indices.filter { rows[$0].p != nil }
    for (index, p) in zip(tested, Holm.corrected(tested.map { rows[$0].p ?? 1 })) { rows[index].correctedP = p }
    for index in rows.indices { rows[index].judge(alpha: alpha, tested: tested.count) }
    return rows
  }
}

extension HistoryCheck: Encodable {
  private enum CodingKeys: String, CodingKey {
    case run, earlier, rows, lost, thresholds, window, failures, difference
  }

  public func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(run, forKey: .run)
    try box.encode(earlier.map(\.name), forKey: .earlier)
    try box.encode(rows, forKey: .rows)
    try box.encode(lost, forKey: .lost)
    try box.encode(thresholds, forKey: .thresholds)
    try box.encode(window, forKey: .window)
    try box.encodeIfPresent(failures, forKey: .failures)
    try box.encodeIfPresent(difference, forKey: .difference)
  }
}
