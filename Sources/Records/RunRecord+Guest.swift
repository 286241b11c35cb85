extension RunRecord {
  /// The modelled guest as it stood when the repetition began, and the design's options in force.
  public struct Guest: Hashable, Sendable {
    /// `guest_bytes`: Size of the guest. Bytes.
    public var bytes: UInt64
    /// `nodes`: NUMA nodes of the guest.
    public var nodes: Int?
    /// `cpus`: CPUs of the guest.
    public var cpus: Int?
    /// `zones`: Populated zones of the guest, all nodes.
    public var zones: Int?
    /// `granule_order`: One struct page for each 2^order pages; above 0 walking times are lower bounds.
    public var granuleOrder: Int?
    /// `vmemmap_page_bytes`: Page size the vmemmap is mapped with. Bytes.
    public var vmemmapPageBytes: Int?
    /// `lock_kind`: Kind of the zone lock: queued or test-and-set.
    public var lockKind = ""
    /// `page_init`: When pages are zeroed: none, alloc or free.
    public var pageInit = ""
    /// `state`: Where the guest starts: fresh, aged or captured.
    public var state = ""
    /// `list_order`: Order of the free lists: ascending, churned or shuffled.
    public var listOrder = ""
    /// `list_adjacent`: Share of next pointers that lead to the neighbouring block, measured. 0...1.
    public var listAdjacent: Double?
    /// `free_fraction`: Free memory over all memory at the start, measured. 0...1.
    public var freeFraction: Double?
    /// `bytes_free`: All free memory at the start, every order and zone. Bytes.
    public var bytesFree: UInt64?
    /// `order`: Lowest order looked at.
    public var order: Int?
    /// `budget`: Most blocks looked at in one hold, where the design has a budget.
    public var budget: Int?
    /// `buffer_bytes`: Memory the design holds for its buffers. Bytes.
    public var bufferBytes: UInt64?

    /// Whether its lists are in the order that such a state has if nobody says else.
    public var hasNaturalListOrder: Bool { listOrder == (state == "aged" ? "churned" : "ascending") }

    /// Values left out are not measured.
    public init(bytes: UInt64) { self.bytes = bytes }
  }
}
