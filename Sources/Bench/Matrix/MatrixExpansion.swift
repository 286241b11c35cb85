import GuestMemory
import Hinting
import Records

/// Expands the groups of a configuration to cells.
struct MatrixExpansion {
  private let config: RunConfig
  private let chosen: [ChosenExperiment]
  private let host: Matrix.HostResources
  private let lock: LockKind
  private var usedFlags: Set<String> = []
  private var known: Set<String> = []

  private(set) var cells: [Cell] = []
  private(set) var guests: [GuestSpec] = []
  private(set) var footprints: [GuestSpec: GuestFootprint] = [:]
  private(set) var captures: [String: Capture] = [:]
  /// What was read, by where it is, so that no archive or pipe is read twice.
  private var readings: [CaptureFiles: CaptureReading] = [:]
  /// What the readings changed or left out.
  var captureNotes: [String] {
    notes + seriesNotes.map { $0.count == 1 ? $0.note : "\($0.note); so in \($0.count) captures of the series" }
  }
  private var notes: [String] = []
  /// Notes on captures of a series, those that differ in the path alone as one.
  private var seriesNotes: [(kind: String, note: String, count: Int)] = []
  /// The first name of each capture of a series, by fingerprint.
  private var seriesNames: [String: String] = [:]
  /// Default strategies left out, with reasons.
  private(set) var omissions: [String] = []
  /// Why some cells are invalid; those are left out.
  private(set) var obstacles: [String] = []
  /// Strategies that were asked for by name, by full name, and an experiment that doesn't take each.
  private var unsuited: [String: String] = [:]

  /// What was asked for by name and no cell measures.
  var unmet: [String] {
    let measured = Set(cells.compactMap { $0.configuredStrategy?.fullName })
    return unsuited.filter { !measured.contains($0.key) }.map(\.value).sorted()
  }
  /// The memory for guests that are in memory at the same time. Bytes.
  private(set) var batchRoom: UInt64

  /// One experiment with a value for each of its options.
  private struct Variant {
    let chosen: ChosenExperiment
    let options: OptionValues

    var pageInit: PageInit { options.pageInit }
  }

  init(_ config: RunConfig, _ chosen: [ChosenExperiment], _ host: Matrix.HostResources, lock: LockKind) {
    self.config = config
    self.chosen = chosen
    self.host = host
    self.lock = lock
    // Half of the available memory is for guests.
    batchRoom = host.availableBytes / 2
  }

  /// Adds a group's cells, skipping duplicates. Returns what was decided of its captured guest; nil if it has no capture.
  ///
  /// - Throws: ``UserError`` as ``Matrix/init(_:host:experiments:)``.
  mutating func add(_ group: RunConfig.Group) throws(UserError) -> GroupExpansion.Decided? {
    for name in group.experiments where !chosen.contains(where: { $0.name == name }) {
      throw .usage("group names experiment '\(name)', which is not among the run's experiments")
    }
    let own = chosen.filter { group.experiments.isEmpty || group.experiments.contains($0.name) }
    for name in group.experimentOptions.keys.sorted()
    where !own.contains(where: { $0.card.options.contains { $0.name == name } }) {
      throw Self.unknown(option: name, of: own, as: "'\(name)' in experiment_options")
    }
    guard group.strategies.isEmpty || group.strategies == ["none"] || own.contains(where: \.card.takesStrategies) else {
      throw .usage("\(own.map(\.name).joined(separator: ", ")) takes no strategy: expected none")
    }
    var variants: [Variant] = []
    for one in own {
      let (values, used) = try one.combinations(flags: config.options, group: group, hostCPUs: host.cpus)
      usedFlags.formUnion(used.intersection(one.card.flags))
      variants += values.map { Variant(chosen: one, options: $0) }
    }
    try addSizes(variants.filter { $0.chosen.card.guest == .size }, group)
    return try addModelled(variants.filter { $0.chosen.card.guest == .modelled }, group)
  }

  /// - Throws: ``UserError`` if a flag had no effect.
  func requireUse(of flags: [String: [String]]) throws(UserError) {
    for name in flags.keys.sorted() where !usedFlags.contains(name) {
      let having = chosen.filter { $0.card.flags.contains(name) }
      guard let one = having.first, let option = one.card.options.first(where: { $0.name == name }) else {
        throw Self.unknown(option: name, of: chosen, as: "--\(name)")
      }
      if let condition = option.condition, !having.contains(where: { $0.given.contains(name) }) {
        let error = OptionError.idleOption(
          owner: one.card.owner, option: name, needs: condition.option, values: condition.values)
        throw .usage("--\(name): \(error)")
      }
      throw .usage("--\(name): \(one.name):\(name)=... already sets this: expected it once")
    }
  }

  private static func unknown(option name: String, of chosen: [ChosenExperiment], as text: String) -> UserError {
    let errors = chosen.map { one in
      "\(OptionError.unknownOption(owner: one.card.owner, option: name, known: one.card.options.map(\.name)))"
    }
    return .usage("\(text): \(errors.joined(separator: "; "))")
  }

  // MARK: cells

  private mutating func add(_ cell: Cell) {
    if let obstacle = cell.experiment.obstacle(cell) {
      note("\(cell.experimentCard.name): \(obstacle)")
    } else if known.insert(cell.id).inserted {
      cells.append(cell)
    }
  }

  private mutating func addSizes(_ variants: [Variant], _ group: RunConfig.Group) throws(UserError) {
    guard !variants.isEmpty else { return }
    if let flag = group.captureFiles.flags.first {
      throw .usage("\(variants[0].chosen.name) takes only a guest size: it can't be combined with \(flag)")
    }
    for text in group.guests {
      let bytes = try GroupExpansion.guestBytes(text, nodes: 1)
      for variant in variants {
        add(
          Cell(
            variant.chosen.experiment, variant.options, guestBytes: bytes, guest: nil, strategy: nil, order: 0,
            hostCPUs: host.cpus))
      }
    }
  }

  private mutating func addModelled(
    _ variants: [Variant], _ group: RunConfig.Group
  ) throws(UserError) -> GroupExpansion.Decided? {
    var decided: GroupExpansion.Decided?
    func threads(_ variant: Variant) -> Int {
      variant.chosen.experiment.guestThreads(variant.options, nodes: group.nodes)
    }
    let needs = GroupExpansion.Needs(
      threads: variants.map(threads).max() ?? 1,
      allocates: variants.contains { threads($0) > $0.options.scanners(nodes: group.nodes) },
      strategies: variants.contains { $0.chosen.card.takesStrategies })
    let kernels = try self.kernels(group)
    for placement in Placement.allCases {
      let placed = variants.filter { $0.options.placement == placement }
      guard !placed.isEmpty else { continue }
      for variant in placed where variant.options.scanners == .perNode && placement == .matrix {
        throw .usage(
          "\(variant.chosen.name): placement=matrix can't be combined with scanners=per-node: it uses one scanner")
      }
      let room = host.room(placement, modelledNodes: group.nodes)
      let expanded = try GroupExpansion(group, config, lock, needs, room) { files throws(UserError) in
        try capture(files, ofSeries: group.captureName != nil)
      }
      captures.merge(expanded.captures) { $1 }
      decided = expanded.decided
      if let pageSize = decided?.pageSize, pageSize != .small { try requireAnyPages(placed, pageSize) }
      for omission in expanded.omissions where !omissions.contains(omission) { omissions.append(omission) }
      var states: [GuestSpec.State: GuestSpec.State] = [:]
      for (guest, _) in expanded.guests { states[guest.state] = namedOnce(guest.state) }
      let hosted = expanded.guests.flatMap { guest, footprint in
        kernels.flatMap { kernel in
          [false, true].filter { told in placed.contains { $0.pageInit.tellsToCheckPages(kernel) == told } }
            .flatMap { told in
              host.memoryNodes(placement).map { node in
                var guest = guest
                guest.state = states[guest.state] ?? guest.state
                guest.kernel = kernel
                guest.isToldToCheckPages = told
                guest.memoryNode = node
                return (guest, footprint)
              }
            }
        }
      }
      for (guest, footprint) in hosted { add(guest, footprint, room) }
      var names: [String] = []
      for name in placed.map(\.chosen.name) where !names.contains(name) { names.append(name) }
      for name in names {
        let own = placed.filter { $0.chosen.name == name }
        try addCells(own, hosted.map(\.0), expanded, isNamed: !group.strategies.isEmpty, host.scanNodes(placement))
      }
    }
    return decided
  }

  /// The state under the first name that its capture has in the run, so that equal captures of a series are one guest.
  private mutating func namedOnce(_ state: GuestSpec.State) -> GuestSpec.State {
    guard case .captured(let fingerprint, let name?) = state else { return state }
    guard let first = seriesNames[fingerprint], first != name else {
      seriesNames[fingerprint] = name
      return state
    }
    let note = "\(name) is the same as \(first): measured once, as \(first)"
    if !notes.contains(note) { notes.append(note) }
    return .captured(fingerprint: fingerprint, name: first)
  }

  /// Refuses what counts in pages of 4 KiB.
  private func requireAnyPages(_ variants: [Variant], _ pageSize: PageSize) throws(UserError) {
    for variant in variants where !variant.chosen.card.countsAnyPages || variant.options.load != .none {
      let what = variant.chosen.card.countsAnyPages ? "a load of mutators" : variant.chosen.name
      throw .usage(
        "\(what) counts in pages of 4k, and the captured machine has pages of \(pageSize.rawValue): expected scan with "
          + "load=none")
    }
  }

  private mutating func capture(_ files: CaptureFiles, ofSeries: Bool) throws(UserError) -> Capture {
    if let known = readings[files] { return known.capture }
    let reading = try files.read()
    readings[files] = reading
    for note in reading.notes {
      if ofSeries {
        let kind = note.replacing(files.name ?? "", with: "")
        if let index = seriesNotes.firstIndex(where: { $0.kind == kind }) {
          seriesNotes[index].count += 1
        } else {
          seriesNotes.append((kind, note, 1))
        }
      } else if !notes.contains(note) {
        notes.append(note)
      }
    }
    return reading.capture
  }

  /// The kernels whose rules the group's guests follow.
  private func kernels(_ group: RunConfig.Group) throws(UserError) -> [KernelVersion] {
    var kernels: [KernelVersion] = []
    for text in group.kernels {
      let kernel: KernelVersion = try Matrix.choice(text, "kernel")
      if !kernels.contains(kernel) { kernels.append(kernel) }
    }
    return kernels
  }

  private mutating func add(_ guest: GuestSpec, _ footprint: GuestFootprint, _ room: Matrix.HostResources) {
    if !guests.contains(guest) { guests.append(guest) }
    // Another group may run more on the same guest.
    if footprint.bytes > footprints[guest]?.bytes ?? 0 { footprints[guest] = footprint }
    batchRoom = min(batchRoom, room.availableBytes / 2)
  }

  /// Adds the cells of one experiment on some guests.
  private mutating func addCells(
    _ variants: [Variant], _ guests: [GuestSpec], _ expanded: GroupExpansion, isNamed: Bool, _ scanNodes: [Int?]
  ) throws(UserError) {
    let card = variants[0].chosen.card
    var strategies: [ConfiguredStrategy?] = [nil]
    if card.takesStrategies {
      let suited = expanded.strategies.filter { card.takes($0.card) }
      guard !suited.isEmpty || !isNamed else { throw .usage("invalid strategy: \(card.name) takes \(card.suited)") }
      strategies = suited
      if isNamed {
        for left in expanded.strategies where !card.takes(left.card) {
          unsuited[left.fullName] = "\(left.card.name): \(card.name) takes \(card.suited)"
        }
      }
    }
    for guest in guests {
      for strategy in strategies {
        if let strategy, strategy.card.needsSinglePages, guest.granuleOrder > 0 {
          let size = ByteSize(bytes: guest.bytes)
          let omission =
            "\(strategy.card.name) on \(size) at granule \(guest.granuleOrder): it works on single pages"
          if !omissions.contains(omission) { omissions.append(omission) }
          continue
        }
        let order = try strategy.map { strategy throws(UserError) in
          try Matrix.order(config.order, strategy, highest: expanded.highestOrder, granule: guest.granuleOrder)
        }
        for variant in variants
        where variant.pageInit.tellsToCheckPages(guest.kernel) == guest.isToldToCheckPages && suits(variant, strategy) {
          for scanNode in scanNodes {
            add(
              Cell(
                variant.chosen.experiment, variant.options, guestBytes: guest.bytes, guest: guest, strategy: strategy,
                order: order ?? expanded.highestOrder, scanNode: scanNode, hostCPUs: host.cpus))
          }
        }
      }
    }
  }

  /// Whether a strategy supports a variant. If the user asked for the combination, the refusal is reported.
  private mutating func suits(_ variant: Variant, _ strategy: ConfiguredStrategy?) -> Bool {
    guard let strategy else { return true }
    let card = variant.chosen.card
    if variant.options.scanners == .perNode && strategy.card.trigger == .frees {
      note("\(strategy.card.name): its hooks collect for the whole guest, so it can't scan node by node")
      return false
    }
    guard let mismatch = variant.chosen.experiment.mismatch(variant.options, strategy.card) else { return true }
    if !variant.chosen.given.isEmpty { note("\(card.name): \(mismatch)") }
    return false
  }

  private mutating func note(_ obstacle: String) {
    if !obstacles.contains(obstacle) { obstacles.append(obstacle) }
  }
}
