import Foundation

@testable import GuestMemory

/// Captures of real machines, and text made to look like other kernels'.
enum CaptureFixtures {
  /// `text` with the blank that the kernel leaves at the end of rows of counts and of table headings, and a last line
  /// end: written here, for editors drop such blanks.
  static func kernelForm(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let isTable = line.hasPrefix("Node") && line.split(separator: " ").count > 4
      let hasBlank = isTable || line.hasPrefix("Free pages") || line.hasPrefix("Number of")
      return "\(line)\(hasBlank ? " " : "")\n"
    }.joined()
  }

  // A Debian machine of two nodes and 16 GiB.
  static let debianBuddyinfo = kernelForm(
    """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      2      2
    Node 0, zone    DMA32      2      1      1      2      1      0      0      1      0      1    490
    Node 0, zone   Normal      2      0      1      1      2      2      0      2      1      2   1495
    Node 1, zone   Normal      1      1      1      2      2      1      3      1      1      3   1990
    """)

  // A virtual machine of 24 GiB, its three files of one moment.
  static let vmBuddyinfo = kernelForm(
    """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3
    Node 0, zone    DMA32      1      3      4      2      5      4      3      4      5      3    751
    Node 0, zone   Normal   3842   2236    146    706    248     55     14      6      0      0   1115
    """)

  static let vmPagetypeinfo = kernelForm(
    """
    Page block order: 9
    Pages per block:  512

    Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
    Node    0, zone      DMA, type    Unmovable      0      0      0      0      0      0      0      0      1      0      0
    Node    0, zone      DMA, type      Movable      0      0      0      0      0      0      0      0      0      1      3
    Node    0, zone      DMA, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type      Isolate      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone    DMA32, type    Unmovable      0      1      0      0      0      0      0      1      1      1      0
    Node    0, zone    DMA32, type      Movable      1      2      4      2      5      4      3      3      4      2    751
    Node    0, zone    DMA32, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone    DMA32, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone    DMA32, type      Isolate      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type    Unmovable      1      1    145    548    176     41     13      5      0      0      0
    Node    0, zone   Normal, type      Movable      0      1      1      1      1      1      0      1      0      0   1115
    Node    0, zone   Normal, type  Reclaimable   3841   2234      0    157     71     13      1      0      0      0      0
    Node    0, zone   Normal, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type      Isolate      0      0      0      0      0      0      0      0      0      0      0

    Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      Isolate
    Node 0, zone      DMA            1            7            0            0            0
    Node 0, zone    DMA32            2         1526            0            0            0
    Node 0, zone   Normal           81         3211          292            0            0
    """)

  static let vmZoneinfo = kernelForm(
    """
    Node 0, zone      DMA
      per-node stats
          nr_inactive_anon 870
          nr_active_anon 378
          nr_inactive_file 219216
          nr_active_file 254356
          nr_unevictable 3031
          nr_slab_reclaimable 138655
          nr_slab_unreclaimable 10307
          nr_isolated_anon 0
          nr_isolated_file 0
          workingset_nodes 126477
          workingset_refault_anon 0
          workingset_refault_file 2296046
          workingset_activate_anon 0
          workingset_activate_file 579864
          workingset_restore_anon 0
          workingset_restore_file 0
          workingset_nodereclaim 0
          nr_anon_pages 2066
          nr_mapped    2718
          nr_file_pages 475757
          nr_dirty     105496
          nr_writeback 0
          nr_shmem     2214
          nr_shmem_hugepages 0
          nr_shmem_pmdmapped 0
          nr_file_hugepages 12
          nr_file_pmdmapped 0
          nr_anon_transparent_hugepages 0
          nr_vmscan_write 0
          nr_vmscan_immediate_reclaim 66150
          nr_dirtied   3447829
          nr_written   2805201
          nr_throttled_written 0
          nr_kernel_misc_reclaimable 0
          nr_foll_pin_acquired 0
          nr_foll_pin_released 0
          nr_kernel_stack 1296
          nr_page_table_pages 335
          nr_sec_page_table_pages 0
          nr_iommu_pages 0
          nr_swapcached 0
          pgpromote_success 0
          pgpromote_candidate 0
          pgpromote_candidate_nrl 0
          pgdemote_kswapd 0
          pgdemote_direct 0
          pgdemote_khugepaged 0
          pgdemote_proactive 0
          nr_hugetlb   0
          nr_balloon_pages 0
          nr_kernel_file_pages 0
      pages free     3840
            boost    0
            min      24
            low      30
            high     36
            promo    42
            spanned  4095
            present  3998
            managed  3840
            cma      0
            protection: (0, 3019, 10187, 10187, 10187)
          nr_free_pages 3840
          nr_free_pages_blocks 3584
          nr_zone_inactive_anon 0
          nr_zone_active_anon 0
          nr_zone_inactive_file 0
          nr_zone_active_file 0
          nr_zone_unevictable 0
          nr_zone_write_pending 0
          nr_mlock     0
          nr_zspages   0
          nr_free_cma  0
          numa_hit     0
          numa_miss    0
          numa_foreign 0
          numa_interleave 0
          numa_local   0
          numa_other   0
      pagesets
        cpu: 0
                  count:    0
                  high:     0
                  batch:    1
                  high_min: 15
                  high_max: 240
      vm stats threshold: 4
        cpu: 1
                  count:    0
                  high:     0
                  batch:    1
                  high_min: 15
                  high_max: 240
      vm stats threshold: 4
      node_unreclaimable:  0
      start_pfn:           1
    Node 0, zone    DMA32
      pages free     772791
            boost    0
            min      5000
            low      6250
            high     7500
            promo    8750
            spanned  1044480
            present  782336
            managed  772917
            cma      0
            protection: (0, 0, 7168, 7168, 7168)
          nr_free_pages 772791
          nr_free_pages_blocks 770560
          nr_zone_inactive_anon 0
          nr_zone_active_anon 0
          nr_zone_inactive_file 0
          nr_zone_active_file 0
          nr_zone_unevictable 0
          nr_zone_write_pending 0
          nr_mlock     0
          nr_zspages   0
          nr_free_cma  0
          numa_hit     4
          numa_miss    0
          numa_foreign 0
          numa_interleave 0
          numa_local   4
          numa_other   0
      pagesets
        cpu: 0
                  count:    64
                  high:     3125
                  batch:    63
                  high_min: 3125
                  high_max: 48307
      vm stats threshold: 24
        cpu: 1
                  count:    62
                  high:     3125
                  batch:    63
                  high_min: 3125
                  high_max: 48307
      vm stats threshold: 24
      node_unreclaimable:  0
      start_pfn:           4096
    Node 0, zone   Normal
      pages free     1163698
            boost    0
            min      11871
            low      14838
            high     17805
            promo    20772
            spanned  5505024
            present  5505024
            managed  1835008
            cma      0
            protection: (0, 0, 0, 0, 0)
          nr_free_pages 1163698
          nr_free_pages_blocks 1141760
          nr_zone_inactive_anon 870
          nr_zone_active_anon 378
          nr_zone_inactive_file 219216
          nr_zone_active_file 254356
          nr_zone_unevictable 3031
          nr_zone_write_pending 105496
          nr_mlock     2765
          nr_zspages   0
          nr_free_cma  0
          numa_hit     44305710
          numa_miss    0
          numa_foreign 0
          numa_interleave 1126
          numa_local   44305710
          numa_other   0
      pagesets
        cpu: 0
                  count:    22943
                  high:     60477
                  batch:    63
                  high_min: 7419
                  high_max: 114688
      vm stats threshold: 28
        cpu: 1
                  count:    13291
                  high:     50900
                  batch:    63
                  high_min: 7419
                  high_max: 114688
      vm stats threshold: 28
      node_unreclaimable:  0
      start_pfn:           1048576
    Node 0, zone  Movable
      pages free     0
            boost    0
            min      32
            low      32
            high     32
            promo    32
            spanned  0
            present  0
            managed  0
            cma      0
            protection: (0, 0, 0, 0, 0)
    Node 0, zone   Device
      pages free     0
            boost    0
            min      0
            low      0
            high     0
            promo    0
            spanned  0
            present  0
            managed  0
            cma      0
            protection: (0, 0, 0, 0, 0)
    """)

  // Two nodes with a gap between their numbers, under a kernel with CMA (none of it used) and page owner tracking:
  // headings and tables come once a node, and one count is capped.
  static let sparseBuddyinfo = kernelForm(
    """
    Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      2
    Node 0, zone   Normal      3      0      0      0      0      0      0      0      0      0    100
    Node 8, zone   Normal 250000      0      0      0      0      0      0      0      0      1    200
    """)

  static let sparsePagetypeinfo = kernelForm(
    """
    Page block order: 9
    Pages per block:  512

    Free pages count per migrate type at order      0      1      2      3      4      5      6      7      8      9     10
    Node    0, zone      DMA, type    Unmovable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type      Movable      0      0      0      0      0      0      0      0      1      1      2
    Node    0, zone      DMA, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type          CMA      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone      DMA, type      Isolate      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type    Unmovable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type      Movable      3      0      0      0      0      0      0      0      0      0    100
    Node    0, zone   Normal, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type          CMA      0      0      0      0      0      0      0      0      0      0      0
    Node    0, zone   Normal, type      Isolate      0      0      0      0      0      0      0      0      0      0      0

    Number of blocks type    Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
    Node 0, zone      DMA            1            7            0            0            0            0
    Node 0, zone   Normal           10         1000           14            0            0            0

    Number of mixed blocks    Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
    Node 0, zone      DMA            0            0            0            0            0            0
    Node 0, zone   Normal            0            0            0            0            0            0
    Page block order: 9
    Pages per block:  512

    Free pages count per migrate type at order      0      1      2      3      4      5      6      7      8      9     10
    Node    8, zone   Normal, type    Unmovable      0      0      0      0      0      0      0      0      0      0      0
    Node    8, zone   Normal, type      Movable >100000      0      0      0      0      0      0      0      0      1    200
    Node    8, zone   Normal, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
    Node    8, zone   Normal, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
    Node    8, zone   Normal, type          CMA      0      0      0      0      0      0      0      0      0      0      0
    Node    8, zone   Normal, type      Isolate      0      0      0      0      0      0      0      0      0      0      0

    Number of blocks type    Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
    Node 8, zone   Normal           10         1800           14            0            0            0

    Number of mixed blocks    Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
    Node 8, zone   Normal            0            0            0            0            0            0
    """)

  // A zoneinfo as Linux 3.10 to 4.7 prints it, and a buddyinfo to go with it.
  static let oldBuddyinfo = kernelForm(
    """
    Node 0, zone      DMA      0      0      0      0      0      0      1      0      1      1      3
    Node 0, zone    DMA32      0      0      0      0      0      0      0      0      0      0      1
    """)

  static let oldZoneinfo = kernelForm(
    """
    Node 0, zone      DMA
      pages free     3968
            min      33
            low      41
            high     49
            scanned  0
            spanned  4095
            present  3998
            managed  3977
        nr_free_pages 3968
        nr_alloc_batch 8
            protection: (0, 2980)
      pagesets
        cpu: 0
                  count: 0
                  high:  0
                  batch: 1
      vm stats threshold: 6
      all_unreclaimable: 1
      start_pfn:         1
      inactive_ratio:    1
    Node 0, zone    DMA32
      pages free     1024
            min      6530
            low      8162
            high     9794
            scanned  0
            spanned  1044480
            present  782288
            managed  763000
        nr_free_pages 1024
            protection: (0, 0)
      pagesets
        cpu: 0
                  count: 131
                  high:  186
                  batch: 31
        cpu: 3
                  count: 7
                  high:  186
                  batch: 31
      vm stats threshold: 36
      all_unreclaimable: 0
      start_pfn:         4096
      inactive_ratio:    5
    """)

  /// The capture of three texts, whose names in errors are `buddy`, `types` and `zones`.
  static func capture(
    _ buddyinfo: String, types: String? = nil, zones: String? = nil
  ) throws(CaptureError) -> Capture {
    try Capture(
      buddyinfo: CaptureText(name: "buddy", buddyinfo),
      pagetypeinfo: types.map { CaptureText(name: "types", $0) },
      zoneinfo: zones.map { CaptureText(name: "zones", $0) })
  }

  /// The refusal of three texts, or nil if they are accepted.
  static func refusal(_ buddyinfo: String, types: String? = nil, zones: String? = nil) -> CaptureError? {
    do {
      _ = try capture(buddyinfo, types: types, zones: zones)
      return nil
    } catch {
      return error
    }
  }

  /// `text` with `part`, which must be there exactly once, replaced.
  static func replacing(_ part: String, with other: String, in text: String) -> String {
    let pieces = text.components(separatedBy: part)
    precondition(pieces.count == 2, "'\(part)' is there \(pieces.count - 1) times")
    return pieces.joined(separator: other)
  }

  /// `text` with line `number`, counted from 1, replaced; with nil, dropped.
  static func replacingLine(_ number: Int, with line: String?, in text: String) -> String {
    var lines = text.components(separatedBy: "\n")
    lines.replaceSubrange(number - 1...number - 1, with: line.map { [$0] } ?? [])
    return lines.joined(separator: "\n")
  }

  /// A row of a buddyinfo.
  static func row(_ node: Int, _ zone: String, _ counts: [UInt64]) -> String {
    "Node \(node), zone \(zone) \(counts.map(String.init).joined(separator: " ")) \n"
  }
}
