import Testing

@testable import GuestMemory

@Suite struct PageSizeTests {
  private func capture(orders: Int, _ zones: CapturedZone...) -> Capture { Capture(zones: zones, orders: orders) }

  private func zone(
    _ kind: CapturedZoneKind = .normal, orders: Int, start: UInt64 = 0, managed: UInt64? = nil, batches: [UInt64] = []
  ) -> CapturedZone {
    CapturedZone(
      nodeID: 0, kind: kind, freeBlocks: Array(repeating: 1, count: orders),
      details: managed.map { managed in
        ZoneDetails(
          startPFN: start, spanned: managed, present: managed, managed: managed, min: 1, low: 2, high: 3,
          pagesets: batches.enumerated().map { CapturedPageset(cpu: $0.offset, count: 0, high: 9, batch: $0.element) })
      })
  }

  /// With nothing else to go by, the number of orders tells where one page size has it.
  @Test(arguments: 7...14) func ordersTellWhereOnePageSizeHasThem(orders: Int) {
    let size = capture(orders: orders, zone(orders: orders)).evidentPageSize
    #expect(size == ([11, 13].contains(orders) ? .small : nil))
  }

  /// zone_batchsize() limits a batch to a quarter of 1 MiB, of 512 KiB before 4.20.
  @Test func batchesTell() {
    for (batch, size): (UInt64, PageSize) in [
      (63, .small), (31, .small), (15, .medium), (7, .medium), (3, .large), (1, .large),
    ] {
      for orders in [9, 11, 14] {
        let one = zone(orders: orders, managed: 4 << 20, batches: [batch, batch])
        #expect(capture(orders: orders, one).evidentPageSize == size, "batch \(batch)")
      }
    }
    // A zone that is too small for its batch to be limited tells nothing.
    let small = zone(orders: 9, managed: 12_000, batches: [1])
    #expect(capture(orders: 9, small).evidentPageSize != .small || Watermarks.batch(managed: 12_000) == 1)
    // Nor does one that no kernel computes.
    #expect(capture(orders: 9, zone(orders: 9, managed: 4 << 20, batches: [62])).evidentPageSize == nil)
    #expect(capture(orders: 11, zone(orders: 11, managed: 4 << 20, batches: [62])).evidentPageSize == .small)
  }

  @Test(arguments: PageSize.allCases) func normalAboveDMA32BeginsAt4GiB(size: PageSize) {
    let boundary = (4 << 30) / size.bytes
    let pair = capture(
      orders: 10, zone(.dma32, orders: 10, start: 16, managed: 1000),
      zone(orders: 10, start: boundary, managed: 1000))
    #expect(pair.evidentPageSize == size)
    #expect(capture(orders: 10, zone(orders: 10, start: boundary, managed: 1000)).evidentPageSize == nil)
  }

  @Test func whatTheTextSaysComesFirst() {
    var stated = capture(orders: 11, zone(orders: 11, managed: 4 << 20, batches: [63]))
    stated.statedPageSize = .medium
    #expect(stated.evidentPageSize == .medium)
  }

  /// Nine orders of 64 KiB pages: 5207 pages, 325 MiB.
  @Test(arguments: PageSize.allCases, KernelVersion.allCases)
  func aGuestCountsInItsOwnPages(size: PageSize, kernel: KernelVersion) throws {
    let blocks: [UInt64] = [3, 8, 1, 0, 0, 8, 5, 0, 18]
    var capture = Capture(zones: [CapturedZone(nodeID: 0, kind: .dma, freeBlocks: blocks)], orders: 9)
    capture.pageSize = size
    #expect(capture.freePages == 5207 && capture.freeBytes == 5207 * size.bytes)
    var geometry = try GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0)
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    #expect(geometry.highestOrder == 8 && geometry.pageblockOrder == 8)
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    #expect(guest.validate().isEmpty)
    #expect(guest.core.freePages == 5207 && guest.core.bytes(5207) == 5207 * size.bytes)
    // All of it can be allocated, up to the highest order.
    var cpu = AnyGuestCPU(guest, cpu: 0)
    var taken: [Block] = []
    while let pfn = cpu.allocate(order: 8, .userMovable) { taken.append(Block(pfn: pfn, order: 8)) }
    #expect(!taken.isEmpty && taken.count <= 18)
    #expect(guest.validate(held: taken).isEmpty)
    for block in taken { cpu.free(pfn: block.pfn, order: 8) }
    #expect(guest.validate().isEmpty)
  }

  /// min_free_kbytes is in KiB, watermarks are in pages: 16 GiB have the same bytes below them with any page size.
  @Test func watermarksAreOfBytes() {
    let small = Watermarks.compute(managed: [4 << 20], types: [.normal])
    for size in PageSize.allCases {
      let marks = Watermarks.compute(
        managed: [(16 << 30) / size.bytes], types: [.normal], pageblockPages: (2 << 20) / size.bytes,
        pageBytes: size.bytes)
      #expect(marks[0].min * size.bytes / (1 << 20) == small[0].min * 4096 / (1 << 20))
      #expect(Watermarks.batch(managed: 4 << 20, pageBytes: size.bytes) == [63, 15, 3][(size.shift - 12) / 2])
    }
  }
}
