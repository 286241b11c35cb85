import Ballooning
import Records

/// One way to have a balloon: the key of a row of ballooning.csv.
struct BalloonSetup {
  /// What compaction can do with the balloon's pages.
  enum Mobility: String, CaseIterable, ColumnValue {
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

  init(kind: BalloonKind, listing: BalloonListing, mobility: Mobility) {
    self.kind = kind
    self.listing = listing
    self.mobility = mobility
  }

  /// What the options of `ballooning` ask for.
  init(_ options: OptionValues) {
    guard let kind = BalloonKind(rawValue: options.choice("kind")),
      let listing = BalloonListing(rawValue: options.choice("enqueue")),
      let mobility = Mobility(rawValue: options.choice("movable"))
    else { preconditionFailure("options of ballooning that it doesn't declare") }
    self.init(kind: kind, listing: listing, mobility: mobility)
  }
}

extension BalloonKind: ColumnValue {}
extension BalloonListing: ColumnValue {}
