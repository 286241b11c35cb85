@testable import GuestMemory

/// A guest's free memory in the forms that kernels print it in.
struct CaptureForms {
  struct Zone {
    var id: CapturedZoneID
    /// By `CapturedMigratetype.rawValue`, then order.
    var blocks: [[UInt64]]
    var pageblocks: [UInt64]
    var extent: Extent

    struct Extent {
      var start: UInt64
      var spanned: UInt64
      var managed: UInt64
      var marks: Watermarks
    }

    func count(_ order: Int) -> UInt64 { blocks.reduce(0) { $0 + $1[order] } }
    var freePages: UInt64 { blocks[0].indices.reduce(0) { $0 + count($1) << UInt64($1) } }
  }

  var zones: [Zone]
  var orders: Int

  init(_ guest: Guest) {
    let orders = guest.core.highestOrder + 1
    self.orders = orders
    zones = guest.core.zones.map { zone in
      let extent = guest.geometry.zones[zone.index]
      let first = zone.startPFN >> UInt64(guest.core.pageblockOrder)
      let end = (zone.endPFN + (1 << UInt64(guest.core.pageblockOrder)) - 1) >> UInt64(guest.core.pageblockOrder)
      var pageblocks = [UInt64](repeating: 0, count: CapturedMigratetype.allCases.count)
      pageblocks[CapturedMigratetype.movable.rawValue] = end - first
      let blocks = CapturedMigratetype.allCases.map { captured -> [UInt64] in
        guard let type = Migratetype.allCases.first(where: { $0.name == captured.name }) else {
          return [UInt64](repeating: 0, count: orders)
        }
        return (0..<orders).map { UInt64(guest.pfns(zone.index, order: $0, type).count) }
      }
      return Zone(
        id: CapturedZoneID(nodeID: extent.nodeID, kind: CapturedZoneKind(rawValue: extent.type.name)!),
        blocks: blocks,
        pageblocks: pageblocks,
        extent: .init(
          start: extent.startPFN, spanned: extent.spannedPages, managed: extent.managedPages,
          marks: extent.watermarks ?? Watermarks(min: 1, low: 2, high: 3)))
    }
  }

  /// Without zones that have nothing free.
  var free: CaptureForms {
    var forms = self
    forms.zones.removeAll { $0.freePages == 0 }
    return forms
  }

  private func join(_ counts: [UInt64]) -> String {
    counts.map { String(repeating: " ", count: max(0, 6 - "\($0)".count)) + "\($0)" }.joined(separator: " ") + " \n"
  }

  var buddyinfo: String {
    zones.map { zone in
      "Node \(zone.id.nodeID), zone \(zone.id.kind.rawValue) " + join((0..<orders).map(zone.count))
    }.joined()
  }

  /// `former`: as before 4.4, in another order and with `Reserve`.
  func pagetypeinfo(pageblockOrder: Int, former: Bool = false) -> String {
    var types = CapturedMigratetype.allCases
    if former { types.swapAt(1, 2) }
    func name(_ type: CapturedMigratetype) -> String { former && type == .highAtomic ? "Reserve" : type.name }
    var text =
      "Page block order: \(pageblockOrder)\nPages per block:  \(1 << pageblockOrder)\n\n"
      + "Free pages count per migrate type at order " + join((0..<UInt64(orders)).map(\.self))
    for zone in zones {
      for type in types {
        text +=
          "Node    \(zone.id.nodeID), zone   \(zone.id.kind.rawValue), type \(name(type)) "
          + join(zone.blocks[type.rawValue])
      }
    }
    text += "\nNumber of blocks type " + types.map(name).joined(separator: " ") + " \n"
    for zone in zones {
      text +=
        "Node \(zone.id.nodeID), zone   \(zone.id.kind.rawValue) " + join(types.map { zone.pageblocks[$0.rawValue] })
    }
    return text
  }

  /// `former`: as before 3.8, without managed pages.
  func zoneinfo(former: Bool = false) -> String {
    zones.map { zone in
      """
      Node \(zone.id.nodeID), zone   \(zone.id.kind.rawValue)
        pages free     \(zone.freePages)
              min      \(zone.extent.marks.min)
              low      \(zone.extent.marks.low)
              high     \(zone.extent.marks.high)
              spanned  \(zone.extent.spanned)
              present  \(zone.extent.spanned)
      \(former ? "" : "        managed  \(zone.extent.managed)\n")    nr_free_pages \(zone.freePages)
        pagesets
          cpu: 0
                    count: 0
                    high:  0
                    batch: 1
        start_pfn:           \(zone.extent.start)

      """
    }.joined()
  }

  /// `letters`: as since 3.9. `marks`: with the lines of watermarks. `node`: as with NUMA.
  func showMem(letters: Bool, marks: Bool, node: Bool = true, prefix: String = "") -> String {
    func name(_ zone: Zone) -> String { (node ? "Node \(zone.id.nodeID) " : "") + zone.id.kind.rawValue }
    var lines = ["Mem-Info:"]
    if marks {
      for zone in zones {
        let extent = zone.extent
        lines.append(
          "\(name(zone)) free:\(zone.freePages * 4)kB min:\(extent.marks.min * 4)kB low:\(extent.marks.low * 4)kB "
            + "high:\(extent.marks.high * 4)kB present:\(extent.spanned * 4)kB managed:\(extent.managed * 4)kB")
        lines.append("lowmem_reserve[]: 0 0 0")
      }
    }
    for zone in zones {
      var row = "\(name(zone)): "
      for order in 0..<orders {
        row += "\(zone.count(order))*\(4 << order)kB "
        let present = CapturedMigratetype.allCases.filter { zone.blocks[$0.rawValue][order] > 0 }
        if letters, !present.isEmpty { row += "(\(String(present.map(\.letter)))) " }
      }
      lines.append(row + "= \(zone.freePages * 4)kB")
    }
    return lines.map { prefix + $0 + "\n" }.joined()
  }
}
