import Testing

@testable import PageStates

/// The protocol against itself and the host in every order of steps: the code that runs in earnest, on a model.
/// Facts, section 9.
@Suite struct PageProtocolTests {
  typealias Program = Explorer<PageModel>.Program

  /// What a CPU does, as code of the protocol.
  enum Act: String, Sendable {
    case read, write, writeBack, map, mapWritable, touch, store, reclaim, readIn, unmap, drain, fork
  }

  private static func program(
    _ acts: [Act], cpus: Int, _ mode: HintingMode, _ fault: ProtocolFault?
  ) -> Program {
    { replay, thread throws(Interruption) in
      var store = ModelStore(replay: replay, cpu: thread, cpus: cpus, mode: mode, fault: fault)
      do throws(Interruption) {
        for act in acts {
          switch act {
          case .read: _ = try store.read(0)
          case .write: _ = try store.write(0)
          case .writeBack: try store.writeBack(0)
          case .map: _ = try store.mapCached(0, writable: false)
          case .mapWritable: _ = try store.mapCached(0, writable: true)
          case .touch: _ = try store.touch(0, writes: false)
          case .store: _ = try store.touch(0, writes: true)
          case .reclaim: _ = try store.reclaimOne()
          case .readIn: if let page = try store.readIn(0) { try store.putPage(page) }
          case .unmap: try store.unmapCached(0)
          case .drain: try store.drainDiscarded()
          case .fork: _ = try store.fork(0)
          }
        }
        replay = store.replay
      } catch {
        replay = store.replay
        throw error
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var acts: [[Act]]
    /// Nil: not mapped; whether writable.
    var mapped: Bool? = nil
    var pages = 1
    var isCached = true
    var swaps = false
    var testDescription: String {
      acts.map { $0.map(\.rawValue).joined(separator: "+") }.joined(separator: " | ")
        + (mapped.map { $0 ? ", mapped writable" : ", mapped" } ?? "")
    }
  }

  private static func outcome(
    _ it: Case, _ mode: HintingMode = .full, _ fault: ProtocolFault? = nil
  ) -> Explorer<PageModel>.Outcome {
    var model = PageModel(pages: it.pages, filePages: 1, cpus: it.acts.count)
    model.swaps = it.swaps
    if it.isCached {
      let isWritable = it.mapped == true
      model.cache(0, in: 0, PageState(isWritable ? .potentiallyVolatile : .volatile, .resident))
      if let mapped = it.mapped { model.map(0, writable: mapped) }
    }
    return Explorer(programs: it.acts.map { program($0, cpus: it.acts.count, mode, fault) }).explore(model)
  }

  private static let cases = [
    Case(acts: [[.read], [.read]], swaps: true),
    Case(acts: [[.read], [.reclaim]]),
    Case(acts: [[.write], [.writeBack]]),
    Case(acts: [[.write, .writeBack], [.read]]),
    Case(acts: [[.map, .touch], [.reclaim]]),
    Case(acts: [[.mapWritable, .store], [.read]]),
    Case(acts: [[.store, .mapWritable, .store], [.read]], mapped: false),
    Case(acts: [[.touch], [.touch]], mapped: false),
    Case(acts: [[.touch], [.read, .drain, .readIn]], mapped: false),
    Case(acts: [[.touch], [.reclaim]], mapped: false),
    Case(acts: [[.store], [.reclaim]], mapped: true),
    Case(acts: [[.store], [.writeBack]], mapped: true),
    Case(acts: [[.store], [.unmap]], mapped: true),
    Case(acts: [[.touch], [.fork]], mapped: false),
    Case(acts: [[.readIn], [.read]], isCached: false),
    Case(acts: [[.readIn], [.readIn]], pages: 2, isCached: false),
    Case(acts: [[.touch], [.touch], [.read]], mapped: false),
    Case(acts: [[.touch], [.read], [.reclaim]], mapped: false),
    Case(acts: [[.write], [.writeBack], [.reclaim]]),
    Case(acts: [[.store], [.writeBack], [.read]], mapped: true),
    Case(acts: [[.touch, .drain], [.touch, .drain]], mapped: false),
  ]

  @Test(arguments: cases) func noOrderOfStepsGoesWrong(_ it: Case) {
    let outcome = Self.outcome(it)
    #expect(outcome.violation == nil, "\(outcome.path)")
    #expect(!outcome.isCutShort && outcome.ends > 0 && outcome.states > 50, "\(outcome.states) states")
  }

  @Test(arguments: [HintingMode.everyGetPut, .fullViaVolatile, .fullWithoutPut, .light])
  func norInAnyOtherMode(_ mode: HintingMode) {
    let isVolatile = mode.usesVolatile
    for it in Self.cases where it.acts.count == 2 && (isVolatile || it.mapped == nil && !it.isCached) {
      let outcome = Self.outcome(it, mode)
      #expect(outcome.violation == nil, "\(it.testDescription): \(outcome.path)")
      #expect(!outcome.isCutShort && outcome.ends > 0)
    }
  }

  /// Each left out, and where it shows.
  @Test(arguments: [
    (ProtocolFault.ignoresDiscarded, Case(acts: [[.touch], [.touch]], mapped: false), "removed 2 times"),
    (.ignoresZero, Case(acts: [[.read], [.read]]), "lost its content"),
    (.ignoresReferences, Case(acts: [[.read], [.read]]), "relies on page 0"),
    (.ignoresFlags, Case(acts: [[.write], [.read]]), "isn't on disk"),
    (.ignoresStateChange, Case(acts: [[.read], [.read]]), "relies on page 0"),
    (
      .freesAtOnce, Case(acts: [[.touch], [.read, .drain, .readIn]], mapped: false), "removed as discarded, and it is"
    ),
    (.forgetsWritable, Case(acts: [[.mapWritable, .store], [.read]]), "isn't on disk"),
    (.writesAnywhere, Case(acts: [[.store], [.read]], mapped: false), "isn't on disk"),
    (.getsAlways, Case(acts: [[.touch, .drain], [.touch, .drain]], mapped: false), "page 0"),
    (.looksAtFlagsFirst, Case(acts: [[.write], [.writeBack]]), "isn't on disk"),
  ])
  func whatIsLeftOutIsFound(_ fault: ProtocolFault, _ it: Case, says: String) {
    #expect(Self.outcome(it).violation == nil)
    let outcome = Self.outcome(it, .full, fault)
    #expect(outcome.violation?.contains(says) == true, "\(fault.rawValue): \(outcome.violation ?? "nothing found")")
  }

  /// "The ones in shrink_inactive_list() seem bogus to me": a page that was removed while reclaim had it off its list
  /// has no mapping, so that reclaim can't take it out of the cache, and leaves the list when its last reference goes.
  @Test func reclaimNeedNotAskForDiscarded() {
    for it in Self.cases where it.acts.contains([.reclaim]) {
      let outcome = Self.outcome(it, .full, .reclaimsBlindly)
      #expect(outcome.violation == nil && !outcome.isCutShort, "\(it.testDescription): \(outcome.path)")
    }
  }
}
