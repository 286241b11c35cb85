import Ballooning
import Records

/// One configuration of a balloon: the key of a row of ballooning.csv.
struct BalloonSetup {
  /// What compaction can do with the balloon's pages.
  enum Mobility: String, CaseIterable, ColumnValue {
    /// Pages are allocated movable, and moved.
    case movable
    /// Pages are allocated movable but not moved, as without the 2012 series.
    case pinned
    /// Pages are allocated unmovable, as in a kernel without CONFIG_BALLOON_COMPACTION.
    case unmovable
  }

  var kind: BalloonKind
  var listing: BalloonListing
  var mobility: Mobility

  /// Whether recovery is measured. 2 MiB blocks don't depend on the listing, so one listing is enough.
  var showsRecovery: Bool { listing == .list }
  /// Whether contention is measured. Only pages that can be isolated are contended for.
  var showsContention: Bool { mobility == .movable }

  init(kind: BalloonKind, listing: BalloonListing, mobility: Mobility) {
    self.kind = kind
    self.listing = listing
    self.mobility = mobility
  }

  /// Creates the setup that the options of `ballooning` ask for.
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
