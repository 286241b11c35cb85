import Records

extension RunRecord.Guest {
  /// A modelled guest whose every setting is known.
  public init(
    bytes: UInt64, nodes: Int, cpus: Int, zones: Int, granuleOrder: Int, vmemmapPageBytes: Int, lockKind: String,
    pageInit: String, state: String, listOrder: String, listAdjacent: Double? = nil, freeFraction: Double? = nil,
    bytesFree: UInt64? = nil, order: Int? = nil, budget: Int? = nil, bufferBytes: UInt64? = nil
  ) {
    self.init(bytes: bytes)
    self.nodes = nodes
    self.cpus = cpus
    self.zones = zones
    self.granuleOrder = granuleOrder
    self.vmemmapPageBytes = vmemmapPageBytes
    self.lockKind = lockKind
    self.pageInit = pageInit
    self.state = state
    self.listOrder = listOrder
    self.listAdjacent = listAdjacent
    self.freeFraction = freeFraction
    self.bytesFree = bytesFree
    self.order = order
    self.budget = budget
    self.bufferBytes = bufferBytes
  }
}
