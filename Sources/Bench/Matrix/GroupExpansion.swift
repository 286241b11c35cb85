import GuestMemory
import Hinting
import Records

/// A checked group of a configuration: its guests with the memory they need, and its strategies.
struct GroupExpansion {
  var guests: [(GuestSpec, GuestFootprint)] = []
  var strategies: [ConfiguredStrategy]
  var captures: [String: Capture] = [:]
  var highestOrder = 10
  /// Default strategies left out because they don't fit in memory, or need watermarks, with reasons.
  var omissions: [String] = []
  /// What was decided of the captured guest; nil in a group without a capture.
  var decided: Decided?

  /// What a group leaves to the capture.
  struct Decided {
    var watermarks: WatermarkSource
    var pageSize: PageSize
  }

  /// Reads a capture; groups of one run share it.
  typealias CaptureReader = (CaptureFiles) throws(UserError) -> Capture

  /// The requirements of the group's experiments on its guests.
  struct Needs {
    /// The number of threads on guest CPUs, scanners included.
    var threads: Int
    /// Whether any experiment allocates beside a strategy.
    var allocates: Bool
    /// Whether any experiment takes strategies.
    var strategies: Bool
  }

  /// Checks a group. If the group names no strategies, it gets all of them or, if those don't fit in memory, all that
  /// don't give whole blocks back.
  init(
    _ group: RunConfig.Group, _ config: RunConfig, _ lock: LockKind, _ needs: Needs, _ host: Matrix.HostResources,
    _ read: CaptureReader
  ) throws(UserError) {
    do {
      try self.init(all: group, config, lock, needs, host, read)
    } catch {
      guard error.kind == .unavailable, group.strategies.isEmpty, needs.strategies, !needs.allocates else {
        throw error
      }
      var smaller = group
      smaller.strategies = Strategies.all.filter { $0.card.effect != .takesBlocks }.map(\.card.name)
      try self.init(all: smaller, config, lock, needs, host, read)
      let left = Strategies.all.filter { $0.card.effect == .takesBlocks }.map(\.card.name)
      omissions.append("\(left.joined(separator: ", ")): \(error)")
    }
  }

  private init(
    all group: RunConfig.Group, _ config: RunConfig, _ lock: LockKind, _ needs: Needs, _ host: Matrix.HostResources,
    _ read: CaptureReader
  ) throws(UserError) {
    let named = !group.strategies.isEmpty
    let allocates = needs.allocates
    strategies =
      needs.strategies
      ? try StrategyList.parse(named ? group.strategies : Strategies.all.map(\.card.name), shared: group.options) : []
    guard (1...16).contains(group.nodes) else { throw .usage("invalid node count \(group.nodes): expected 1 to 16") }
    let cpus = group.cpus ?? max(4, needs.threads)
    guard (1...4096).contains(cpus) else { throw .usage("invalid CPU count \(cpus): expected 1 to 4096") }
    guard cpus >= needs.threads else {
      throw .usage(
        "\(cpus) guest CPUs are too few for \(needs.threads) threads of strategy and load: expected at least "
          + "--cpus \(needs.threads)")
    }
    let choice = try Self.choice(group)
    let files = group.captureFiles
    let listOrder: ListOrder? = try group.listOrder.map { text throws(UserError) in
      try Matrix.choice(text, "list order")
    }
    if let free = group.free {
      guard free >= 0.05, free <= 0.95 else { throw .usage("invalid free fraction \(free): expected 0.05 to 0.95") }
    }
    if let movable = group.movable {
      guard movable >= 0, movable <= 0.9 else { throw .usage("invalid movable fraction \(movable): expected 0 to 0.9") }
      if let flag = files.flags.first {
        throw .usage("--movable can't be combined with \(flag): the capture determines the zones")
      }
    }
    let wanted: WatermarkSource? = try group.watermarks.map { text throws(UserError) in
      try Matrix.choice(text, "watermarks")
    }
    let pageSize: PageSize? =
      group.pageSize == "auto"
      ? nil : try group.pageSize.map { text throws(UserError) in try Matrix.choice(text, "page size") }
    if wanted == WatermarkSource.none { try leaveOutWhatTakes(named: named, allocates) }
    let wholeBlocks = allocates || strategies.contains { $0.card.effect == .takesBlocks }

    if let flag = files.flags.first {
      try files.check()
      guard group.guests.isEmpty, group.states.isEmpty, group.free == nil else {
        throw .usage("--guest, --state and --free can't be combined with \(flag): the capture determines them")
      }
      var capture = try read(files)
      let name = files.name ?? flag
      guard capture.orders >= Capture.minimumOrders else {
        throw UserError(
          .input,
          "\(name): its rows have counts of \(capture.orders) orders, cut off: expected \(Capture.minimumOrders) to "
            + "\(Capture.maximumOrders), as kernels have")
      }
      guard let pageSize = pageSize ?? capture.evidentPageSize else {
        throw .usage(
          "\(name): missing --page-size: kernels of several page sizes have \(capture.orders) orders: expected 4k, 16k or 64k"
        )
      }
      capture.pageSize = pageSize
      let source = capture.watermarks(wanted)
      guard source != .captured || capture.hasZoneDetails else {
        throw .usage("--watermarks captured needs --zoneinfo: expected it, or --watermarks computed or none")
      }
      decided = Decided(watermarks: source, pageSize: pageSize)
      try add(
        capture, name: name, source, group, group.cpus ?? max(capture.cpuCount ?? 4, needs.threads), choice, lock,
        listOrder ?? (capture.lists == nil ? .ascending : nil), config, wholeBlocks, host)
      return
    }
    guard group.captureName == nil else { throw .usage("capture_name needs a capture") }
    guard pageSize ?? .small == .small else {
      throw .usage("--page-size \(group.pageSize ?? "") needs a capture: others have pages of 4k")
    }
    guard wanted == nil || wanted == .computed else {
      throw .usage("--watermarks \(group.watermarks ?? "") needs a capture: others are computed")
    }
    guard !group.guests.isEmpty, !group.states.isEmpty else { throw .usage("missing guest or state") }
    if group.free != nil && !group.states.contains(where: { $0.hasPrefix("aged") }) {
      throw .usage("--free needs state aged: a fresh guest is all free")
    }
    for text in group.guests {
      let bytes = try Self.guestBytes(text, nodes: group.nodes)
      for state in group.states {
        let spec: GuestSpec.State
        let footprintState: GuestFootprint.State
        switch state {
        case "fresh": (spec, footprintState) = (.fresh, .fresh)
        case "aged":
          let free = group.free ?? 0.5
          (spec, footprintState) = (.aged(free: free), .aged(Aging(freeFraction: free)))
        default:
          guard let profile = AgingProfile(state: state) else {
            let profiles = AgingProfile.all.map { "aged:" + $0.name }.joined(separator: ", ")
            throw .usage("invalid state '\(state)': expected fresh, aged, \(profiles)")
          }
          let free = group.free ?? 0.5
          spec = .aged(free: free, profile: profile)
          footprintState = .aged(Aging(freeFraction: free, profile: profile))
        }
        let natural = ListOrder.natural(of: state)
        let fit = try Self.fit(choice, wholeBlocks, host, what: "a guest of \(ByteSize(bytes: bytes)), \(state)") {
          (granule, page) throws(UserError) in
          var geometry = GuestGeometry.standard(
            bytes: bytes, nodes: group.nodes, cpus: cpus, granuleOrder: granule,
            movableShare: group.movable ?? 0)
          geometry.vmemmapPage = page
          return (geometry, footprintState)
        }
        guests.append(
          (
            GuestSpec(
              bytes: bytes, nodes: group.nodes, movableShare: group.movable ?? 0, cpus: cpus, state: spec,
              listOrder: listOrder ?? natural,
              granuleOrder: fit.granule, vmemmapPage: fit.page, lockKind: lock, seed: config.seed), fit.footprint
          ))
      }
    }
  }

  private mutating func add(
    _ capture: Capture, name: String, _ watermarks: WatermarkSource, _ group: RunConfig.Group, _ cpus: Int,
    _ choice: VmemmapChoice, _ lock: LockKind, _ listOrder: ListOrder?, _ config: RunConfig, _ wholeBlocks: Bool,
    _ host: Matrix.HostResources
  ) throws(UserError) {
    highestOrder = capture.orders - 1
    var blocks = [UInt64](repeating: 0, count: capture.orders)
    for zone in capture.zones { for (order, count) in zone.freeBlocks.enumerated() { blocks[order] += count } }
    // Coarser granules would drop blocks: a capture is modelled exactly or not at all.
    let exact = VmemmapChoice(granuleOrder: choice.granuleOrder ?? 0, page: choice.page)
    var bytes: UInt64 = 0
    var nodes = 0
    let fit = try Self.fit(exact, wholeBlocks, host, what: "the guest of \(name)") {
      (granule, page) throws(UserError) in
      do {
        var geometry = try GuestGeometry.captured(
          capture, cpus: cpus, granuleOrder: granule, watermarks: watermarks)
        geometry.vmemmapPage = page
        try geometry.checked()
        bytes = geometry.managedPages * capture.pageSize.bytes
        nodes = geometry.nodeCount
        return (geometry, .captured(blocksByOrder: blocks))
      } catch {
        throw UserError(.input, "\(name): \(error)")
      }
    }
    var hash = FNV1a()
    for zone in capture.zones {
      // Without CMA as before there was such a row.
      let types = (zone.freeBlocksByMigratetype ?? []).prefix(
        capture.hasCMA ? Migratetype.countWithCMA : Migratetype.count)
      hash.add("\(zone.nodeID) \(zone.kind.rawValue) \(zone.freeBlocks) \(Array(types))")
      for types in zone.typesPresent ?? [] { hash.add(String(types.map(\.letter).sorted())) }
      hash.add(
        "\(zone.details.map { "\($0.startPFN) \($0.spanned) \($0.managed) \($0.min) \($0.low) \($0.high)" } ?? "")")
    }
    for list in capture.lists?.zones.flatMap(\.lists) ?? [] { hash.add("\(list.order) \(list.type) \(list.pfns)") }
    let fingerprint = String(hash.value, radix: 16)
    captures[fingerprint] = capture
    guests.append(
      (
        GuestSpec(
          bytes: bytes, nodes: nodes, cpus: cpus, state: .captured(fingerprint: fingerprint, name: group.captureName),
          listOrder: listOrder, granuleOrder: fit.granule, vmemmapPage: fit.page, pageSize: capture.pageSize,
          watermarks: watermarks,
          formerWatermarks: capture.hasZoneDetails ? .captured : .none, lockKind: lock, seed: config.seed),
        fit.footprint
      ))
  }

  /// Without watermarks nothing may be allocated: refuses load threads and strategies that were asked for by name and take
  /// blocks, and leaves others out.
  private mutating func leaveOutWhatTakes(named: Bool, _ allocates: Bool) throws(UserError) {
    guard !allocates else {
      throw .usage("--watermarks none: load threads allocate, which needs watermarks: expected captured or computed")
    }
    let takers = strategies.filter { $0.card.effect != .readsOnly }
    guard !takers.isEmpty else { return }
    var names: [String] = []
    for name in takers.map(\.card.name) where !names.contains(name) { names.append(name) }
    let reason =
      "\(names.joined(separator: ", ")): --watermarks none: \(names.count == 1 ? "it takes" : "they take") blocks, which "
      + "needs watermarks: expected captured or computed"
    guard !named else { throw .usage(reason) }
    omissions.append(reason)
    strategies.removeAll { $0.card.effect != .readsOnly }
  }

  private static func choice(_ group: RunConfig.Group) throws(UserError) -> VmemmapChoice {
    var choice = VmemmapChoice()
    if group.granule != "auto" {
      guard let order = Int(group.granule), (0...9).contains(order) else {
        throw .usage("invalid granule order '\(group.granule)': expected 0 to 9, or auto")
      }
      choice.granuleOrder = order
    }
    if group.vmemmap.lowercased() != "auto" {
      guard let page = GuestGeometry.VmemmapPage(rawValue: group.vmemmap.lowercased()) else {
        throw .usage("invalid vmemmap page size '\(group.vmemmap)': expected 4k, 4k-filled, 2m or auto")
      }
      choice.page = page
    }
    return choice
  }

  static func guestBytes(_ text: String, nodes: Int) throws(UserError) -> UInt64 {
    let bytes = try ByteSize(text).bytes
    // x86-64 has 52 bits of physical address.
    guard bytes >= 128 << 20, bytes <= 4 << 50 else { throw .usage("invalid guest size \(text): expected 128M to 4P") }
    let block: UInt64 = 4 << 20
    guard bytes % block == 0 else { throw .usage("invalid guest size \(text): expected a multiple of 4M") }
    guard bytes / UInt64(nodes) >= 64 << 20 else {
      throw .usage("invalid node count: \(nodes) in \(text): expected at least 64M per node")
    }
    return bytes
  }

  /// Returns the first candidate that fits: in a quarter of the available memory if the choice was `auto`, in all of it
  /// otherwise.
  private static func fit(
    _ choice: VmemmapChoice, _ wholeBlocks: Bool, _ host: Matrix.HostResources, what: String,
    _ geometry: (Int, GuestGeometry.VmemmapPage) throws(UserError) -> (GuestGeometry, GuestFootprint.State)
  ) throws(UserError) -> (granule: Int, page: GuestGeometry.VmemmapPage, footprint: GuestFootprint) {
    var smallest: (granule: Int, page: GuestGeometry.VmemmapPage, footprint: GuestFootprint)?
    for (granule, page) in choice.candidates {
      let (geometry, state) = try geometry(granule, page)
      let footprint = GuestFootprint.estimate(geometry, state, wholeBlocks: wholeBlocks)
      if !choice.isExplicit && footprint.bytes <= host.availableBytes / 4 { return (granule, page, footprint) }
      if smallest.map({ footprint.bytes < $0.footprint.bytes }) ?? true { smallest = (granule, page, footprint) }
    }
    guard let smallest, smallest.footprint.bytes <= host.availableBytes else {
      let needed = ByteSize(bytes: smallest?.footprint.bytes ?? 0)
      let setting = smallest.map { "granule \($0.granule), vmemmap \($0.page.rawValue)" } ?? ""
      throw UserError(
        .unavailable,
        "\(what) at \(setting) needs \(needed) of host memory"
          + (wholeBlocks ? " with strategies that take blocks" : "") + " and "
          + "\(ByteSize(bytes: host.availableBytes)) are available: expected a coarser --granule, a smaller --guest"
          + (wholeBlocks ? ", or only strategies that read" : ""))
    }
    return smallest
  }
}
