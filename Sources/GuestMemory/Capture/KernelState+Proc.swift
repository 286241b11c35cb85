extension KernelState {
  /// The files of /proc that the kernel would show in this state, by name: buddyinfo, pagetypeinfo, zoneinfo.
  public var procFiles: [(name: String, text: String)] {
    [("buddyinfo", buddyinfo), ("pagetypeinfo", pagetypeinfo), ("zoneinfo", zoneinfo)]
  }

  private func padded(_ number: some BinaryInteger) -> String {
    let text = "\(number)"
    return String(repeating: " ", count: max(0, 6 - text.count)) + text
  }

  private var buddyinfo: String {
    zones.map { zone in
      "Node \(zone.node), zone \(zone.name) " + zone.blocksFree.map(padded).joined(separator: " ") + "\n"
    }.joined()
  }

  private var pagetypeinfo: String {
    let order = zones.first?.pageblockOrder ?? 9
    let orders = zones.first?.blocksFree.count ?? 11
    var text =
      "Page block order: \(order)\nPages per block:  \(1 << order)\n\nFree pages count per migrate type at order"
    text += " " + (0..<orders).map(padded).joined(separator: " ") + "\n"
    for zone in zones {
      for type in Migratetype.allCases {
        let counts = (0..<orders).map { order in
          zone.lists.first { $0.order == order && $0.type == type.rawValue }?.pfns.count ?? 0
        }
        text += "Node \(zone.node), zone \(zone.name), type \(type.name) " + counts.map(padded).joined(separator: " ")
        text += "\n"
      }
    }
    text += "\nNumber of blocks type " + Migratetype.allCases.map(\.name).joined(separator: " ") + "\n"
    for zone in zones {
      let counts = Migratetype.allCases.map { type in zone.pageblocks.count { $0 == type.rawValue } }
      text += "Node \(zone.node), zone \(zone.name) " + counts.map(padded).joined(separator: " ") + "\n"
    }
    return text
  }

  private var zoneinfo: String {
    zones.map { zone in
      var lines = [
        "Node \(zone.node), zone \(zone.name)", "  pages free     \(zone.freePages)", "        boost    \(zone.boost)",
        // As printed since 5.0: with the boost.
        "        min      \(zone.watermarks.min + zone.boost)", "        low      \(zone.watermarks.low + zone.boost)",
        "        high     \(zone.watermarks.high + zone.boost)", "        spanned  \(zone.spannedPages)",
        "        present  \(zone.spannedPages)", "        managed  \(zone.managedPages)", "  pagesets",
      ]
      for (cpu, lists) in zone.perCPU.enumerated() {
        lines += [
          "    cpu: \(cpu)", "              count: \(lists.count)", "              high:  \(lists.high)",
          "              batch: \(lists.batch)",
        ]
      }
      return (lines + ["  start_pfn:           \(zone.startPFN)"]).joined(separator: "\n") + "\n"
    }.joined()
  }
}
