/// A rule in words, as each kernel has it: `hintbench list kernels`.
public struct KernelRule: Sendable {
  public let name: String
  /// Where it stands: function, and the version that changed it.
  public let source: String
  /// In the order of ``KernelVersion/allCases``.
  public let values: [String]

  private init(_ name: String, _ source: String, _ value: (any KernelRules.Type) -> String) {
    self.name = name
    self.source = source
    values = KernelVersion.allCases.map { value($0.rules) }
  }

  /// All that differ, in the order of mm/page_alloc.c's sections.
  public static let all: [KernelRule] = [
    KernelRule("refill of a per-CPU list, pages", "nr_pcp_alloc(), 6.7") {
      $0.tunesPerCPULists ? "63, doubling to 2016" : "63"
    },
    KernelRule("most pages of a per-CPU list", "nr_pcp_high(), 6.7") {
      $0.tunesPerCPULists ? "low mark / CPUs to zone / 8 / CPUs" : "low mark / CPUs"
    },
    KernelRule("drain after a free, pages a hold", "free_unref_page_commit(), mainline") {
      $0.drainsInBatches ? "63" : "2016"
    },
    KernelRule("a vmstat tick gives back of a per-CPU list, pages", "decay_pcp_high(), 6.7") {
      $0.tunesPerCPULists ? "up to 2016" : "none"
    },
    KernelRule("orders 1 to 3 leave the list after, freed pages in a row", "free_unref_page_commit(), 6.7, mainline") {
      guard $0.tunesPerCPULists else { return "1" }
      return $0.freeHighFrom(batch: 63, highMin: 2) == 63 ? "63" : "63 + low mark / CPUs / 2"
    },
    KernelRule("migratetype of a page on a per-CPU list", "free_pcppages_bulk(), 6.10") {
      $0.notesMigratetype ? "that at its free" : "that of its pageblock at the drain"
    },
    KernelRule("struct pages read to hand out 2^o pages", "check_new_pages(), 6.12") {
      $0.alwaysChecksPages ? "2^o" : "1; told to check, 2^o"
    },
    KernelRule("a free block's list is its pageblock's", "__free_one_page(), 6.10") {
      $0.keepsListsPure ? "always" : "mostly"
    },
    KernelRule("a block of order 10 is freed as", "split_large_buddy(), 6.10") {
      $0.keepsListsPure ? "two of order 9" : "one"
    },
    KernelRule("struct pages read to isolate 2^o pages, o >= 8", "__isolate_free_page(), 6.12") {
      $0.keepsListsPure ? "512 a pageblock" : "1"
    },
    KernelRule("what a request without blocks of its type does", "__rmqueue(), 6.12") {
      $0.claimsOrSteals ? "claims a pageblock or takes one block" : "moves blocks to its lists"
    },
    KernelRule("withheld from requests without rights", "__zone_watermark_unusable_free(), 6.12") {
      $0.countsFreeHighAtomic ? "the reserve's free pages" : "all of the reserve"
    },
    KernelRule("the reserve's limit, of a zone of 40000 pages", "reserve_highatomic_pageblock(), 6.12") {
      "\($0.mostHighAtomic(managed: 40_000, pageblock: 512)) pages"
    },
    KernelRule("atomic requests take from the reserve", "get_page_from_freelist(), mainline") {
      $0.atomicsUseReserveFirst ? "first" : "at the min mark"
    },
    KernelRule("the boost doesn't count at the min mark for", "zone_watermark_fast(), 6.12") {
      $0.highIgnoresBoost ? "__GFP_HIGH" : "GFP_ATOMIC"
    },
    KernelRule("lowest order reported with page_reporting_order=0", "page_reporting_register(), 6.12") {
      "\($0.reportingOrder(parameter: 0, device: nil, pageblockOrder: 9))"
    },
    KernelRule("lowest order reported to a device that asks for 0", "page_reporting_register(), mainline") {
      "\($0.reportingOrder(parameter: nil, device: 0, pageblockOrder: 9))"
    },
    KernelRule("migratetype after isolation", "unset_migratetype_isolate(), mainline") {
      $0.isolationKeepsType ? "its own" : "movable"
    },
    KernelRule("a range is freed", "free_contig_range(), mainline") {
      $0.freesRangesWhole ? "in large blocks" : "page by page"
    },
    KernelRule("deflating a balloon takes pages", "balloon_page_list_dequeue(), mainline") {
      $0.balloonLocksPages ? "that nobody has locked" : "in order"
    },
  ]
}

extension KernelVersion {
  /// For what is said of rules; code that follows them is compiled for each.
  var rules: any KernelRules.Type {
    switch self {
    case .linux61: Linux6_1.self
    case .linux612: Linux6_12.self
    case .mainline: Mainline.self
    }
  }

  /// Whether it checks struct pages where it was told to, and only there.
  public var checksPagesWhenTold: Bool { !rules.alwaysChecksPages }

  /// The kernel that the rules were read in.
  public var source: String {
    switch self {
    case .linux61: "6.1.192, Debian 12"
    case .linux612: "6.12.117, Debian 13"
    case .mainline: "7.3 cycle"
    }
  }
}
