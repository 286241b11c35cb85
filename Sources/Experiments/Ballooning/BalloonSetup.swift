import Ballooning
import Records

/// One way to have a balloon: the key of a row of ballooning.csv.
struct BalloonSetup {
  /// What compaction can do with the balloon's pages.
  enum Mobility: String, ColumnValue {
    /// Allocated movable, and moved.
    case movable
    /// Allocated movable, and left: the same pages, without the series of 2012 that lets them be moved.
    case pinned
    /// Allocated unmovable, as a kernel without CONFIG_BALLOON_COMPACTION does.
    case unmovable
  }

  var kind: BalloonKind
  var listing: BalloonListing
  var mobility: Mobility

  /// What becomes of 2 MiB blocks doesn't depend on how pages come on a list.
  var showsRecovery: Bool { listing == .list }
  /// Only pages that can be isolated have somebody to contend with.
  var showsContention: Bool { mobility == .movable }

  static let all: [BalloonSetup] = [
    BalloonSetup(kind: .order0, listing: .page, mobility: .movable),
    BalloonSetup(kind: .order0, listing: .list, mobility: .movable),
    BalloonSetup(kind: .order0, listing: .list, mobility: .pinned),
    BalloonSetup(kind: .order0, listing: .list, mobility: .unmovable),
    BalloonSetup(kind: .huge, listing: .page, mobility: .unmovable),
    BalloonSetup(kind: .huge, listing: .list, mobility: .unmovable),
    BalloonSetup(kind: .highest, listing: .page, mobility: .unmovable),
    BalloonSetup(kind: .highest, listing: .list, mobility: .unmovable),
  ]
}

extension BalloonKind: ColumnValue {}
extension BalloonListing: ColumnValue {}
