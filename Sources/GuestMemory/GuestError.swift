import Records

/// Why a guest can't be modelled.
public enum GuestError: UserFacing, Sendable {
  /// The host refused the address space.
  case cannotReserve(bytes: UInt64)
  /// The geometry is invalid.
  case badGeometry(String)
  /// A capture's free blocks don't fit in the zone's span.
  case doesNotFit(zone: String, pagesFree: UInt64, pagesSpanned: UInt64)
  /// The free share can't be reached.
  case badFreeFraction(Double)

  /// Unavailable if the host refuses the address space; bad input if the requested guest is impossible.
  public var failureKind: UserError.Kind {
    switch self {
    case .cannotReserve: .unavailable
    case .badGeometry, .doesNotFit, .badFreeFraction: .input
    }
  }

  public var description: String {
    switch self {
    case .cannotReserve(let bytes): "the host has no \(bytes) bytes of address space left for the guest's memory map"
    case .badGeometry(let why): "the guest can't be modelled: \(why)"
    case .doesNotFit(let zone, let free, let spanned):
      "\(zone): \(free) free pages can't be placed as captured within its \(spanned) spanned pages"
    case .badFreeFraction(let fraction): "a free fraction of \(fraction) can't be reached; 0.05 to 0.95 can"
    }
  }
}

extension GuestGeometry {
  /// Checks that the geometry can be modelled.
  ///
  /// - Throws: ``GuestError/badGeometry(_:)``
  public func checked() throws(GuestError) {
    guard !zones.isEmpty else { throw .badGeometry("it has no zone") }
    guard (1...64).contains(nodeCount) else { throw .badGeometry("\(nodeCount) nodes; 1 to 64 can be modelled") }
    guard (1...4096).contains(cpuCount) else { throw .badGeometry("\(cpuCount) CPUs; 1 to 4096 can be modelled") }
    guard (0...10).contains(highestOrder) else { throw .badGeometry("highest order \(highestOrder); 0 to 10 can be") }
    guard granuleOrder >= 0, granuleOrder <= min(9, highestOrder) else {
      throw .badGeometry("granule order \(granuleOrder); 0 to \(min(9, highestOrder)) can be modelled")
    }
    guard zones.count <= 255 else { throw .badGeometry("\(zones.count) zones; at most 255 can be modelled") }
    let granule: UInt64 = 1 << UInt64(granuleOrder)
    for zone in zones {
      guard zone.spannedPages > 0 else { throw .badGeometry("zone \(zone.type.name) of node \(zone.nodeID) is empty") }
      guard granuleOrder == 0 || (zone.startPFN % granule == 0 && zone.spannedPages % granule == 0) else {
        throw .badGeometry(
          "zone \(zone.type.name) of node \(zone.nodeID) doesn't start and end with a granule of \(granule) pages")
      }
    }
    let sorted = zones.sorted { $0.startPFN < $1.startPFN }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a.endPFN > b.startPFN {
      throw .badGeometry("zones \(a.type.name) of node \(a.nodeID) and \(b.type.name) of node \(b.nodeID) overlap")
    }
  }
}
