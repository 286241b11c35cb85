import GuestMemory

/// A guest as built, for meta.json.
struct GuestDescription: Encodable {
  var guestBytes: UInt64
  var state: String
  var nodes: Int
  var listOrder: String
  var granuleOrder: Int
  var vmemmapPageBytes: UInt64
  var bytesFree: UInt64
  var freeFraction: Double
  var blocksFreeByOrder: [UInt64]
  /// The unusable free space index.
  var unusableFreeSpaceByOrder: [Double]?
  var hostBytesEstimated: UInt64?
  var hostNodes: [Int]?
  /// The host nodes of each modelled node's memory, as the kernel reports them.
  var memory: [MemoryCensus]

  enum CodingKeys: String, CodingKey {
    case state, nodes, memory
    case guestBytes = "guest_bytes"
    case listOrder = "list_order"
    case granuleOrder = "granule_order"
    case vmemmapPageBytes = "vmemmap_page_bytes"
    case bytesFree = "bytes_free"
    case freeFraction = "free_fraction"
    case blocksFreeByOrder = "blocks_free_by_order"
    case unusableFreeSpaceByOrder = "unusable_free_space_index_by_order"
    case hostBytesEstimated = "host_bytes_estimated"
    case hostNodes = "host_nodes"
  }

  init(_ model: ModelledGuest, footprint: GuestFootprint?) {
    guestBytes = model.spec.bytes
    state = model.spec.state.name
    nodes = model.spec.nodes
    listOrder = model.spec.listOrderName
    granuleOrder = model.spec.granuleOrder
    vmemmapPageBytes = model.spec.vmemmapPage.bytes
    bytesFree = model.guest.core.bytes(model.census.freePages)
    freeFraction = model.census.freeFraction
    blocksFreeByOrder = model.census.blocksByOrder
    unusableFreeSpaceByOrder = model.census.unusableIndexByOrder
    hostBytesEstimated = footprint?.bytes
    hostNodes = model.hostNodes
    memory = model.memory
  }
}
