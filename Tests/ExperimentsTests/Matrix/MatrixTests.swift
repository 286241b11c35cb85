import Bench
import Experiments
import GuestMemory
import Hinting
import Records
import Testing

@Suite struct MatrixTests {
  typealias Fixtures = MatrixFixtures

  // MARK: what `auto` picks

  private func footprint(
    _ bytes: UInt64, _ state: GuestFootprint.State, _ granule: Int, _ page: GuestGeometry.VmemmapPage,
    wholeBlocks: Bool = false
  ) -> UInt64 {
    var geometry = GuestGeometry.standard(bytes: bytes, nodes: 1, cpus: 4, granuleOrder: granule)
    geometry.vmemmapPage = page
    return GuestFootprint.estimate(geometry, state, wholeBlocks: wholeBlocks).bytes
  }

  private func auto(_ guest: String, _ state: String, _ strategies: [String], host: UInt64) throws -> GuestSpec {
    var group = Fixtures.group([guest], states: [state], strategies)
    group.granule = "auto"
    group.vmemmap = "auto"
    let limits = Matrix.HostResources(cpus: 2, availableBytes: host)
    return try #require(try Matrix(Fixtures.config(group), host: limits).cells.first).guest
  }

  @Test func autoTakesTheFirstThatFitsInAQuarter() throws {
    let bytes: UInt64 = 16 << 40
    var candidates: [(Int, GuestGeometry.VmemmapPage)] = [(0, .huge), (0, .small)]
    candidates += (1...9).map { ($0, .huge) }
    let costs = candidates.map { footprint(bytes, .fresh, $0.0, $0.1) }
    for (index, candidate) in candidates.enumerated() {
      // What comes before it is larger, or would have been taken.
      guard costs[..<index].allSatisfy({ $0 > costs[index] }) else { continue }
      let exact = try auto("16T", "fresh", ["none"], host: 4 * costs[index])
      #expect(exact.granuleOrder == candidate.0 && exact.vmemmapPage == candidate.1)
      if let next = candidates.indices.dropFirst(index + 1).first(where: { costs[$0] < costs[index] }) {
        let less = try auto("16T", "fresh", ["none"], host: 4 * costs[index] - 4)
        #expect(less.granuleOrder == candidates[next].0 && less.vmemmapPage == candidates[next].1)
      }
    }
    // In no quarter, but it fits: the smallest.
    let least = costs.indices.min { costs[$0] < costs[$1] } ?? 0
    let tight = try auto("16T", "fresh", ["none"], host: costs[least])
    #expect(tight.granuleOrder == candidates[least].0 && tight.vmemmapPage == candidates[least].1)
  }

  @Test func strategiesThatGiveBlocksBackNeedMore() throws {
    let needed = footprint(64 << 30, .fresh, 0, .small)
    #expect(footprint(64 << 30, .fresh, 0, .small, wholeBlocks: true) > 4 * needed)
    let readers = try auto("64G", "fresh", ["none"], host: 4 * needed)
    let takers = try auto("64G", "fresh", ["none", "alloc-max-order"], host: 4 * needed)
    #expect(readers.granuleOrder == 0 && takers.granuleOrder > 0)
  }

  @Test func whatIsGivenIsKept() throws {
    for (granule, page) in [("0", "2m"), ("0", "4k"), ("4", "2m"), ("4", "4k"), ("9", "2M")] {
      var group = Fixtures.group(["1G"])
      (group.granule, group.vmemmap) = (granule, page)
      let guest = try Fixtures.matrix(Fixtures.config(group)).cells[0].guest
      #expect(guest.granuleOrder == Int(granule))
      #expect(guest.vmemmapPage == (page == "4k" ? .small : .huge))
    }
  }

  @Test func theRefusalNamesBothSizesAndWhatWouldHelp() throws {
    for (state, strategies) in [("fresh", ["none"]), ("aged", ["none", "alloc-max-order"])] {
      var group = Fixtures.group(["64T"], states: [state], strategies)
      group.vmemmap = "2m"
      let host = Matrix.HostResources(cpus: 2, availableBytes: 3 << 30)
      let error = #expect(throws: UserError.self) { try Matrix(Fixtures.config(group), host: host) }
      let text = error?.description ?? ""
      #expect(error?.kind == .unavailable && error?.exitStatus == 69)
      let needed = footprint(
        64 << 40, state == "fresh" ? .fresh : .aged(Aging(freeFraction: 0.5)), 0, .huge, wholeBlocks: state == "aged")
      #expect(text.contains("a guest of 64T, \(state) at granule 0, vmemmap 2m"), "\(text)")
      #expect(text.contains("needs \(ByteSize(bytes: needed)) of host memory"), "\(text)")
      #expect(text.contains("and 3G are available: expected"), "\(text)")
      #expect(text.contains("--granule") && text.contains("--guest"), "\(text)")
      #expect(text.contains("only strategies that read") == (state == "aged"), "\(text)")
    }
    var group = Fixtures.group(["4P"])
    (group.granule, group.vmemmap) = ("auto", "auto")
    let host = Matrix.HostResources(cpus: 2, availableBytes: 1 << 30)
    let error = #expect(throws: UserError.self) { try Matrix(Fixtures.config(group), host: host) }
    #expect(
      error?.description.contains("granule 9") == true, "the smallest that was tried: \(String(describing: error))")
  }

  /// By the real clock the guest's pages and the destination's are there beside the model.
  @Test func aMigrationByTheRealClockHasToFitWithItsDestination() throws {
    func bytes(_ state: String, _ gibibytes: UInt64, clock: String = "real", load: String = "none") throws -> UInt64 {
      var config = Fixtures.config(Fixtures.group(["8G"], states: [state], ["none", "walk-callback"]))
      config.experiments = ["migration:clock=\(clock):load=\(load)"]
      return try Matrix(config, host: .init(cpus: 2, availableBytes: gibibytes << 30)).peakBytes
    }
    let aged = try bytes("aged", 22)
    #expect(aged > 16 << 30 && aged < 17 << 30, "\(aged)")
    #expect(try bytes("fresh", 22) < 2 << 30)
    #expect(try bytes("fresh", 22, load: "compile") > 4 << 30)
    #expect(try bytes("aged", 22, clock: "virtual") < 1 << 30)
    let error = #expect(throws: UserError.self) { try bytes("aged", 15) }
    #expect(error?.exitStatus == 69, "\(String(describing: error))")
    for text in [
      "8G, aged", "needs \(ByteSize(bytes: aged))", "15G are available: expected", "--state fresh", "clock=virtual",
    ] {
      #expect(error?.description.contains(text) == true, "\(text) in \(String(describing: error))")
    }
  }

  @Test func whatNobodyNamedIsLeftOutAndSaid() throws {
    var group = Fixtures.group(["64G"], [])
    group.strategies = []
    let all = try Fixtures.matrix(Fixtures.config(group))
    #expect(all.cells.count == Strategies.all.count && all.omissions.isEmpty)

    let host = Matrix.HostResources(cpus: 2, availableBytes: 600 << 20)
    let less = try Matrix(Fixtures.config(group), host: host)
    let takers = Strategies.all.filter { $0.card.effect == .takesBlocks }.map(\.card.name)
    #expect(less.cells.map(\.strategy.card.name) == Strategies.all.map(\.card.name).filter { !takers.contains($0) })
    #expect(less.omissions.count == 1)
    for text in takers + ["needs", "600M are available: expected"] {
      #expect(less.omissions[0].contains(text), "\(less.omissions)")
    }

    // Named, or with a load, it is refused.
    group.strategies = Strategies.all.map(\.card.name)
    #expect(throws: UserError.self) { try Matrix(Fixtures.config(group), host: host) }
    group.strategies = []
    var loaded = Fixtures.config(group)
    loaded.options["load"] = ["order0"]
    #expect(throws: UserError.self) { try Matrix(loaded, host: host) }
  }

  // MARK: cells

  @Test func cellsAreUnique() throws {
    let group = Fixtures.group(
      ["128M", "256M", "0.25G", "128M"], states: ["fresh", "aged", "fresh"],
      ["none", "step-iterator:step=1/2/1", "none"])
    let matrix = try Fixtures.matrix(Fixtures.config(group, group))
    #expect(matrix.cells.count == 2 * 2 * 3)
    #expect(Set(matrix.cells.map(\.id)).count == matrix.cells.count)
  }

  /// The same point has the same name today and in a year: comparisons with old runs depend on it.
  @Test func aCellsNameStays() throws {
    // What 6.1's cells were called before other kernels had rules, and what those of the others have more.
    let parts: [(String, String?)] = [
      ("experiment", "scan"), ("strategy", "none"), ("guest_bytes", "134217728"), ("nodes", "1"), ("cpus", "4"),
      ("granule_order", "0"), ("vmemmap_page_bytes", "4096"), ("lock_kind", "queued"), ("page_init", "none"),
      ("state", "fresh"), ("list_order", "ascending"), ("free", nil), ("capture", nil), ("order", "10"),
      ("load", "none"), ("mutators", "0"), ("cache", "warm"), ("host_ack_ns", "0"),
    ]
    func cell(_ kernels: [String]) throws -> Cell {
      var group = Fixtures.group()
      group.kernels = kernels
      return try Fixtures.matrix(Fixtures.config(group)).cells[0]
    }
    #expect(try cell(["6.1"]).id == CellID.make(from: parts))
    #expect(try cell(["6.1"]).id == "e161ddb556f7ec6d")
    #expect(try cell([]).id == CellID.make(from: parts + [("kernel_rules", "6.12")]))
  }

  @Test func aCellsNameDiffersExactlyWhereAColumnDiffers() throws {
    typealias Change = (inout RunConfig) -> Void
    let base = Fixtures.config(Fixtures.group(["256M"], states: ["aged"], ["budgeted-resume"]))
    let differing: [(String, Change)] = [
      ("guest", { $0.groups[0].guests = ["512M"] }), ("state", { $0.groups[0].states = ["fresh"] }),
      ("free", { $0.groups[0].free = 0.3 }), ("nodes", { $0.groups[0].nodes = 2 }),
      ("cpus", { $0.groups[0].cpus = 5 }), ("list order", { $0.groups[0].listOrder = "shuffled" }),
      ("granule", { ($0.groups[0].granule, $0.order) = ("1", nil) }), ("vmemmap", { $0.groups[0].vmemmap = "2m" }),
      ("strategy", { $0.groups[0].strategies = ["step-iterator"] }),
      ("option", { $0.groups[0].strategies = ["budgeted-resume:budget=7"] }),
      ("other option", { $0.groups[0].strategies = ["budgeted-resume:check=null"] }),
      ("lock", { $0.lock = "test-and-set" }), ("page init", { $0.options["page-init"] = ["alloc"] }),
      ("cache", { $0.experiments = ["scan:cache=cold"] }),
      ("order", { $0.order = "9" }), ("native order", { $0.order = "native" }),
      ("load", { $0.options["load"] = ["order0"] }),
      ("other load", { $0.options["load"] = ["thp"] }),
      ("mutators", { ($0.options["load"], $0.options["mutators"]) = (["order0"], ["2"]) }),
    ]
    let same: [(String, Change)] = [
      ("nothing", { _ in }), ("seed", { $0.seed = 99 }), ("repetitions", { $0.repetitions = 9 }),
      ("hold limit", { $0.holdLimit = "1ms" }), ("counters", { $0.counters = "auto" }),
      ("simulated counters", { $0.counters = "simulated" }),
      ("events", { ($0.counters, $0.events) = ("auto", ["perf::A"]) }),
      ("time limit", { $0.timeLimit = "1h" }), ("free as by default", { $0.groups[0].free = 0.5 }),
      ("list order as by default", { $0.groups[0].listOrder = "churned" }),
      ("order as by default", { $0.order = "10" }), ("size in other words", { $0.groups[0].guests = ["0.25G"] }),
      ("option as by default", { $0.groups[0].strategies = ["budgeted-resume:budget=01000"] }),
      ("shared option as by default", { $0.groups[0].options = ["budget": ["1000"]] }),
    ]
    func id(_ change: Change) throws -> String {
      var config = base
      change(&config)
      let host = Matrix.HostResources(cpus: 2, availableBytes: 1 << 40)
      let cells = try Matrix(config, host: host).cells
      #expect(cells.count == 1)
      return cells[0].id
    }
    let unchanged = try id { _ in }
    for (name, change) in same { #expect(try id(change) == unchanged, "\(name)") }
    var seen = [unchanged: "base"]
    for (name, change) in differing {
      let other = try id(change)
      #expect(seen[other] == nil, "\(name) is as \(seen[other] ?? "")")
      seen[other] = name
    }
  }

  @Test func onlyAKernelThatHasToBeToldMakesAnotherGuest() throws {
    var group = Fixtures.group(["128M"], ["alloc-max-order"])
    group.kernels = ["6.1", "6.12"]
    var config = Fixtures.config(group)
    config.options["page-init"] = ["none", "alloc", "free"]
    let matrix = try Fixtures.matrix(config)
    let told = matrix.cells.map { "\($0.guest.kernel.rawValue) \($0.pageInit) \($0.guest.isToldToCheckPages)" }
    #expect(
      told.sorted() == [
        "6.1 alloc false", "6.1 free false", "6.1 none false", "6.12 alloc true", "6.12 free true", "6.12 none false",
      ])
    #expect(matrix.batches.flatMap(\.guests).count == 3)
    #expect(Set(matrix.cells.map(\.id)).count == 6)
  }

  @Test func pagesLeftUninitialisedAreNoPartOfAnInterferenceCellsName() throws {
    func ids(_ options: [String]) throws -> Set<String> {
      var config = Fixtures.config(Fixtures.group())
      config.experiments = options.map { "interference:load=thp:mutators=1" + $0 }
      return Set(try Fixtures.matrix(config).cells.map(\.id))
    }
    #expect(try ids([""]) == ids([":page-init=none"]))
    #expect(try ids([""]).isDisjoint(with: ids([":page-init=alloc"])))
  }

  @Test func aCapturesNameIsItsContent() throws {
    func id(_ text: String) throws -> String {
      try Fixtures.withCapture(text) { try Fixtures.matrix(Fixtures.captureConfig($0, ["none"])).cells[0].id }
    }
    #expect(try id(Fixtures.debian) == id(Fixtures.debian), "the file's name doesn't matter")
    #expect(try id(Fixtures.debian) != id(Fixtures.virtualMachine))
    #expect(try id(Fixtures.debian) != id(Fixtures.debian.replacing("1990", with: "1989")))
  }

  // MARK: orders

  @Test func ordersInForce() throws {
    func orders(_ order: String?, granule: String = "0") throws -> [String: Int] {
      var group = Fixtures.group(["256M"], Strategies.all.map(\.card.name))
      group.granule = granule
      group.vmemmap = "2m"
      var config = Fixtures.config(group)
      config.order = order
      let cells = try Fixtures.matrix(config).cells
      return Dictionary(uniqueKeysWithValues: cells.map { ($0.strategy.card.name, $0.order) })
    }
    #expect(try orders(nil).values.allSatisfy { $0 == 10 })
    let native = try orders("native")
    for card in Strategies.all.map(\.card) { #expect(native[card.name] == card.nativeOrder ?? 10, "\(card.name)") }
    #expect(
      native["record-unused-pages"] == 0 && native["budgeted-resume"] == 0 && native["free-list-fixed-buffer"] == 10)
    let nine = try orders("9")
    for card in Strategies.all.map(\.card) {
      #expect(nine[card.name] == (card.orders == .highestOnly ? 10 : 9), "\(card.name)")
    }
    // Below its granule a guest has nothing.
    #expect(try orders("native", granule: "3")["budgeted-resume"] == 3)
    #expect(try orders("0", granule: "3")["none"] == 3)
  }

  // MARK: batches

  @Test func batchesHoldWhatFitsInHalf() throws {
    var guests = (1...12).map { "\($0 * 4)G" }
    guests.append("512G")
    let config = Fixtures.config(Fixtures.group(guests, states: ["fresh", "aged"], ["none", "alloc-max-order"]))
    for available in [10 << 30, 13 << 30, 20 << 30, 1 << 40] as [UInt64] {
      let matrix = try Matrix(config, host: .init(cpus: 2, availableBytes: available))
      let guests = matrix.batches.map(\.guests)
      #expect(Set(guests.joined()) == Set(matrix.cells.map(\.guest)))
      #expect(guests.joined().count == Set(matrix.cells.map(\.guest)).count, "each guest once")
      #expect(matrix.batches.flatMap(\.cells).count == matrix.cells.count)
      for batch in guests {
        let needed = batch.reduce(0) { $0 + (matrix.footprints[$1]?.bytes ?? 0) }
        #expect(batch.count == 1 || needed <= available / 2)
        #expect(needed <= matrix.peakBytes)
      }
    }
    #expect(try Matrix(config, host: .init(cpus: 2, availableBytes: 1 << 40)).batches.count == 1)
  }

  /// Of two groups with the same guest one may do more to it.
  @Test func aGuestsFootprintIsTheLargestOfItsGroups() throws {
    let takes = Fixtures.group(["8G"], ["alloc-max-order"])
    let reads = Fixtures.group(["8G"], ["none"])
    let alone = try Fixtures.matrix(Fixtures.config(takes)).peakBytes
    #expect(try Fixtures.matrix(Fixtures.config(takes, reads)).peakBytes == alone)
    #expect(try Fixtures.matrix(Fixtures.config(reads, takes)).peakBytes == alone)
    #expect(try Fixtures.matrix(Fixtures.config(reads)).peakBytes < alone)
  }

  // MARK: what makes no sense

  @Test func oversubscribed() throws {
    var config = Fixtures.config(Fixtures.group())
    for (load, mutators, cpus, expected) in [
      ("none", nil, 1, false), ("order0", nil, 2, false), ("order0", 2, 2, true), ("order0", nil, 1, true),
      ("order0", 3, 4, false),
    ] as [(String, Int?, Int, Bool)] {
      config.options["load"] = [load]
      config.options["mutators"] = mutators.map { ["\($0)"] }
      let matrix = try Matrix(config, host: .init(cpus: cpus, availableBytes: 1 << 34))
      #expect(matrix.cells.allSatisfy { $0.oversubscribed == expected }, "\(load) \(mutators ?? -1) on \(cpus)")
      #expect(matrix.cells[0].mutators == (load == "none" ? 0 : mutators ?? max(cpus - 1, 1)))
    }
  }

  @Test func emptyMatricesAreRefused() {
    for config in [
      Fixtures.config(), Fixtures.config(Fixtures.group([])), Fixtures.config(Fixtures.group(states: [])),
    ] {
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage)
    }
  }

  @Test func aCoarseGranuleOfACaptureIsRefusedWhereItWouldDropBlocks() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      var config = Fixtures.captureConfig(path, ["none"])
      config.groups[0].granule = "4"
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .input && error?.description.contains(path) == true)
      config.groups[0].granule = "auto"
      config.groups[0].vmemmap = "auto"
      let exact = try Fixtures.matrix(config)
      #expect(exact.cells[0].guest.granuleOrder == 0)
    }
  }

  // MARK: pages

  /// Nine orders: a machine of 64 KiB pages, or another.
  @Test func whatPageSizeACaptureHasIsAskedForWhereItDoesNotTell() throws {
    let text = "Node 0, zone      DMA      3      8      1      0      0      8      5      0     18\n"
    try Fixtures.withCapture(text) { path in
      var config = Fixtures.captureConfig(path, ["none"])
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("--page-size") == true)
      for (size, bytes) in [("4k", UInt64(4096)), ("16k", 16_384), ("64k", 65_536)] {
        config.groups[0].pageSize = size
        let matrix = try Fixtures.matrix(config)
        let result = try MatrixRun.run(matrix).observer.results[0]
        #expect(result.run.guest.bytesFree == 5207 * bytes && result.run.guest.pageBytes == Int(bytes))
        #expect(result.run.found.blocksFree == 18 && matrix.config.groups[0].pageSize == size)
      }
    }
  }

  /// Cells of 4 KiB pages are named as before, and others differ.
  @Test func pagesOf4KiBAreNoDimension() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      var ids: [String] = []
      for size in [nil, "auto", "4k", "64k"] {
        var config = Fixtures.captureConfig(path, ["none"])
        config.groups[0].pageSize = size
        config.groups[0].watermarks = "none"
        config.groups[0].kernels = ["6.1"]
        ids.append(try Fixtures.matrix(config).cells[0].id)
      }
      #expect(ids.prefix(3).allSatisfy { $0 == "cb1ccb479f48ff4f" } && ids[3] != ids[0])
    }
  }

  @Test func everyDesignRunsWithPagesOf64KiB() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      var figures: [[String: Double]] = []
      for size in ["4k", "64k"] {
        var config = Fixtures.captureConfig(path, Strategies.all.map(\.card.name).filter { $0 != "allocator" })
        config.groups[0].pageSize = size
        let run = try MatrixRun.run(try Fixtures.matrix(config))
        #expect(run.errors.isEmpty)
        figures.append(
          Dictionary(
            uniqueKeysWithValues: run.observer.results.map {
              ($0.run.identity.strategy, Double($0.run.found.bytesReported ?? 0))
            }))
      }
      // The same blocks, 16 times as large, but for what watermarks keep: other shares of them.
      for (strategy, bytes) in figures[0] where bytes > 0 {
        let ratio = figures[1][strategy, default: 0] / bytes
        #expect(ratio > 14 && ratio < 18, "\(strategy): \(ratio)")
      }
    }
  }

  /// What counts in pages of 4 KiB says so before anything is built.
  @Test func otherExperimentsAreRefusedWithPagesOf64KiB() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      for experiment in ["interference:load=order0", "migration", "scan:load=order0"] {
        var config = Fixtures.captureConfig(path, [])
        config.experiments = [experiment]
        config.groups[0].pageSize = "64k"
        let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
        #expect(
          error?.kind == .usage && error?.description.contains("pages of 4k") == true, "\(experiment): \(error as Any)")
      }
    }
  }

  @Test func aLineThatWasCutOffIsNoMachine() throws {
    for text in ["Node 0, zone Normal 3 8\n", "Node 0, zone Normal 3 8 1 2 3 4\nNode 1, zone Normal 3 8 1 2 3 4\n"] {
      try Fixtures.withCapture(text) { path in
        var config = Fixtures.captureConfig(path, ["none"])
        config.groups[0].pageSize = "4k"
        let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
        #expect(error?.kind == .input && error?.description.contains("cut off") == true)
      }
    }
  }

  // MARK: watermarks

  @Test func aLoadNeedsWatermarks() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      var config = Fixtures.captureConfig(path, ["none"])
      config.options["load"] = ["order0"]
      config.options["mutators"] = ["1"]
      let usual = try Fixtures.matrix(config)
      #expect(usual.cells.count == 1)
      config.groups[0].watermarks = "none"
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("load threads") == true)
    }
  }

  /// Named ones are refused in one line that names them; of the default ones the rest is run.
  @Test func withoutWatermarksWhatTakesBlocksIsRefusedBeforeAnythingIsBuilt() throws {
    let takers = Strategies.all.map(\.card).filter { $0.effect != .readsOnly }.map(\.name)
    #expect(takers.count >= 7)
    try Fixtures.withCapture(Fixtures.debian) { path in
      var config = Fixtures.captureConfig(path, Strategies.all.map(\.card.name))
      config.groups[0].watermarks = "none"
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("\n") == false)
      for name in takers { #expect(error?.description.contains(name) == true) }
      config.groups[0].strategies = []
      let matrix = try Fixtures.matrix(config)
      #expect(!matrix.cells.isEmpty && matrix.cells.allSatisfy { $0.strategy.card.effect == .readsOnly })
      #expect(matrix.omissions.count == 1)
      for name in takers { #expect(matrix.omissions.first?.contains(name) == true) }
    }
  }

  @Test func watermarksAreCapturedOnlyWhereTheyWere() throws {
    var uncaptured = Fixtures.config(Fixtures.group())
    for (source, refused) in [("computed", false), ("captured", true), ("none", true), ("guessed", true)] {
      uncaptured.groups[0].watermarks = source
      if refused {
        let error = #expect(throws: UserError.self) { try Fixtures.matrix(uncaptured) }
        #expect(error?.kind == .usage)
      } else {
        #expect(try Fixtures.matrix(uncaptured).cells[0].guest.watermarks == .computed)
      }
    }
    try Fixtures.withCapture(Fixtures.debian) { path in
      var config = Fixtures.captureConfig(path, ["none"])
      config.groups[0].watermarks = "captured"
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("--zoneinfo") == true)
    }
  }

  /// Cells of captures keep their names where their watermarks are what they were before there was a choice.
  @Test func cellsOfCapturesKeepTheirNames() throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      func cell(_ watermarks: String?, recorded: Bool = false) throws -> Cell {
        var config = Fixtures.captureConfig(path, ["none"])
        config.groups[0].watermarks = watermarks
        config.groups[0].kernels = ["6.1"]
        if recorded { config = try RunConfig(recorded: JSONValue(encoding: config)) }
        let matrix = try Fixtures.matrix(config)
        #expect(matrix.config.groups[0].watermarks == matrix.cells[0].guest.watermarks.rawValue)
        return matrix.cells[0]
      }
      let none = try cell("none").id
      let recorded = try cell(nil, recorded: true).id
      let usual = try cell(nil).id
      let computed = try cell("computed").id
      #expect(none == "cb1ccb479f48ff4f")
      #expect(recorded == none, "what an older run recorded")
      #expect(usual == computed && usual != none)
    }
  }

  /// Captures of a series are told apart in their rows, in the series' order; equal ones are one cell, which is said.
  @Test func aSeriesHasACellForEachCapture() throws {
    let texts = ["490", "491", "490", "492"].map { Fixtures.debian.replacing("490", with: $0) }
    try Fixtures.withCapture(texts[0]) { first in
      try Fixtures.withCapture(texts[1]) { second in
        try Fixtures.withCapture(texts[2]) { third in
          try Fixtures.withCapture(texts[3]) { fourth in
            var config = Fixtures.captureConfig(first, ["none"])
            let group = config.groups[0]
            config.groups = zip([first, second, third, fourth], ["t1", "t2", "t3", "t4"]).map { path, name in
              var group = group
              group.buddyinfo = path
              group.captureName = name
              return group
            }
            let matrix = try Fixtures.matrix(config)
            #expect(
              matrix.cells.map(\.guest.state.name) == ["captured:t1", "captured:t2", "captured:t4"])
            #expect(Set(matrix.cells.map(\.id)).count == 3)
            #expect(matrix.batches.flatMap(\.guests).count == 3)
            #expect(matrix.captureNotes.count { $0.contains("t3 is the same as t1") } == 1)
            // The name is none of what a cell is.
            let alone = try Fixtures.matrix(Fixtures.captureConfig(second, ["none"]))
            #expect(alone.cells[0].id == matrix.cells[1].id && alone.cells[0].guest.state.name == "captured")
            // As when it is resumed.
            let kept = try RunConfig(recorded: JSONValue(encoding: matrix.config))
            #expect(try Fixtures.matrix(kept).cells.map(\.id) == matrix.cells.map(\.id))
          }
        }
      }
    }
    var config = Fixtures.config(Fixtures.group())
    config.groups[0].captureName = "t1"
    #expect(throws: UserError.self) { try Fixtures.matrix(config) }
  }
}
