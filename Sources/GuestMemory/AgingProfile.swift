/// What work leaves of a guest's free memory: how much of it stands in blocks of each order, and how the blocks of the
/// highest order follow each other on their lists.
///
/// The figures are those of Linux 6.1 in a guest of 2 GiB and two CPUs, as `hintbench kernel lists` read them
/// (Reports/sample-kernel/lists-6.1.csv); a test holds the model's guests against that file.
public struct AgingProfile: Sendable, Hashable {
  /// As in `--state aged:NAME`.
  public let name: String
  /// Shares of free memory in blocks of order 0 to 10.
  let shares: [Double]
  /// Shares of the next pointers on lists of order 10 that lead to the block right above, and right below.
  let up: Double
  let down: Double

  /// All of them, by the workload that leaves them.
  public static let all = [
    AgingProfile(
      name: "processes", shares: [0, 0, 0, 0, 0.0001, 0.0006, 0.0009, 0.0021, 0.0021, 0.0042, 0.9898],
      up: 0.390, down: 0.022),
    AgingProfile(
      name: "files",
      shares: [0.0015, 0.003, 0.0058, 0.0091, 0.0159, 0.0247, 0.039, 0.0676, 0.1128, 0.1668, 0.5538],
      up: 0.020, down: 0.056),
    AgingProfile(
      name: "full",
      shares: [0.0013, 0.0024, 0.0028, 0.0044, 0.0072, 0.0124, 0.0234, 0.0513, 0.0782, 0.1747, 0.6418],
      up: 0.359, down: 0.289),
    AgingProfile(
      name: "server",
      shares: [0.0018, 0.0033, 0.0059, 0.0103, 0.016, 0.0291, 0.0455, 0.0687, 0.0905, 0.1374, 0.5913],
      up: 0.052, down: 0.030),
  ]

  /// The profile of a state `aged:NAME`; nil if the text is none.
  public init?(state: String) {
    guard let known = Self.all.first(where: { state == "aged:" + $0.name }) else { return nil }
    self = known
  }

  private init(name: String, shares: [Double], up: Double, down: Double) {
    self.name = name
    self.shares = shares
    self.up = up
    self.down = down
  }

  /// The number of blocks of each order of a zone with so many free pages, none below the granule, whose memory goes to
  /// the smallest that there are.
  func blocks(freePages: UInt64, granuleOrder: Int, highestOrder: Int) -> [UInt64] {
    var counts = [UInt64](repeating: 0, count: highestOrder + 1)
    // From the smallest: what is too little for a block of one order is left for the next.
    var rest = 0.0
    for order in 0...highestOrder {
      rest += Double(freePages) * (order < shares.count ? shares[order] : 0)
      guard order >= granuleOrder else { continue }
      let size = Double(UInt64(1) << UInt64(order))
      counts[order] = UInt64(rest / size)
      rest -= Double(counts[order]) * size
    }
    return counts
  }
}

extension Guest {
  /// Fills a guest with the free memory that a profile describes, seeded. The rest stays allocated for the run.
  ///
  /// Of each order 3 % of the blocks are unmovable and 8 % reclaimable, as in ``age(_:seed:)``.
  ///
  /// - Parameter freeFraction: the share of managed memory that is free, 0.05 ... 0.95.
  /// - Complexity: O(free blocks).
  /// - Throws: ``GuestError`` if the blocks don't fit into a zone without free buddies.
  func fill(_ profile: AgingProfile, freeFraction: Double, seed: UInt64) throws(GuestError) {
    requireEmpty()
    for (extent, zone) in zip(geometry.zones, core.zones) {
      let pages = UInt64(Double(zone.managedPages) * freeFraction)
      let counts = profile.blocks(freePages: pages, granuleOrder: core.granuleOrder, highestOrder: core.highestOrder)
      let byType = counts.map { count -> [UInt64] in
        let (unmovable, reclaimable) = (count * 3 / 100, count * 8 / 100)
        // In the order of their numbers.
        return [unmovable, count - unmovable - reclaimable, reclaimable]
      }
      let span = (extent.startPFN + extent.reservedAtStart)..<(extent.endPFN - extent.reservedAtEnd)
      guard place(byType, in: zone, within: span) else {
        throw .doesNotFit(zone: extent.type.name, pagesFree: pages, pagesSpanned: extent.spannedPages)
      }
    }
    takeSnapshot()
    guard let snapshot else { return }
    replaceSnapshot(snapshot.reordered(as: profile, seed: seed))
  }
}

extension GuestSnapshot {
  /// The same blocks on the same lists, following each other as the profile has it.
  fileprivate func reordered(as profile: AgingProfile, seed: UInt64) -> GuestSnapshot {
    var generator = SeededGenerator(seed: seed, stream: 4)
    let highest = lists.map(\.order).max() ?? 0
    return GuestSnapshot(
      lists: lists.map { image in
        var image = image
        if image.order == highest {
          image.pfns.sort()
          image.pfns = Self.cut(image.pfns, order: image.order, profile, &generator)
        } else {
          image.pfns.shuffle(using: &generator)
        }
        return image
      }, zones: zones)
  }

  /// Cuts ascending blocks into runs of neighbours, each ascending or descending, in random order.
  private static func cut(
    _ pfns: [UInt64], order: Int, _ profile: AgingProfile, _ generator: inout SeededGenerator
  ) -> [UInt64] {
    let size: UInt64 = 1 << UInt64(order)
    let pairs = zip(pfns, pfns.dropFirst()).count { $0 + size == $1 }
    guard pairs > 0 else { return pfns.shuffled(using: &generator) }
    // Of the neighbours that there are, so many stay together.
    let kept = min(1, (profile.up + profile.down) * Double(pfns.count - 1) / Double(pairs))
    let descending = profile.down / (profile.up + profile.down)
    var runs: [[UInt64]] = []
    for pfn in pfns {
      if let last = runs.last?.last, last + size == pfn, generator.chance(kept) {
        runs[runs.count - 1].append(pfn)
      } else {
        runs.append([pfn])
      }
    }
    for index in runs.indices where generator.chance(descending) { runs[index].reverse() }
    return runs.shuffled(using: &generator).flatMap { $0 }
  }
}
