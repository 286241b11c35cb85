import Bench
import GuestMemory
import Hinting
import Records

/// How much of a captured machine's free memory each design reports in one session, by the lowest order it looks at.
public struct ReturnedAtOnce: Sendable {
  /// A design's sessions.
  public struct Row: Sendable {
    /// The strategy's name.
    public let strategy: String
    /// The distinct free bytes it reports, by order as in ``ReturnedAtOnce/orders``; nil where it can't run, or looks at
    /// another order.
    public let bytes: [UInt64?]
  }

  /// The lowest orders asked for.
  public let orders: [Int]
  /// All free memory of the machine. Bytes.
  public let free: UInt64
  /// What of it is in blocks of at least each of ``orders``: nobody who looks at these can return more. Bytes.
  public let freeFromOrder: [UInt64]
  /// The designs, in the order of publication.
  public let rows: [Row]
  /// What the user should know of the capture.
  public let notes: [String]
  /// Why some designs have no figures; without duplicates.
  public let reasons: [String]

  /// The orders of a table that fits a terminal: single pages; the lowest that fallback claims a pageblock for; a quarter
  /// of a huge page; a huge page, where page reporting begins by default; and the highest.
  public static let usualOrders = [0, 4, 7, 9, 10]

  /// Runs one session of each design and order on a guest with the captured blocks.
  ///
  /// - Parameters:
  ///   - files: the capture. Without watermarks in it they are computed.
  ///   - pageSize: a ``PageSize``, or auto; nil: auto.
  ///   - kernels: whose rules the guest follows, at most one; empty: the standard one.
  /// - Throws: ``UserError`` if the capture can't be read or doesn't fit, and what a run throws.
  public init(
    _ files: CaptureFiles, pageSize: String? = nil, kernels: [String] = [],
    orders: [Int] = usualOrders, host: Matrix.HostResources
  ) throws {
    let reading = try files.read()
    var capture = reading.capture
    if let size = pageSize.flatMap(PageSize.init) ?? capture.evidentPageSize { capture.pageSize = size }
    let designs = Strategies.all.map(\.card).filter(\.reports)
    var bytes: [String: [Int: UInt64]] = [:]
    var reasons: [String] = []
    for order in orders {
      var group = RunConfig.Group()
      group.captureFiles = files
      group.pageSize = pageSize
      group.kernels = kernels
      group.strategies = designs.map(\.name)
      var config = RunConfig()
      config.experiments = ["scan:cache=warm"]
      config.groups = [group]
      config.order = "\(order)"
      config.repetitions = 1
      config.counters = "off"
      let observer = Collector()
      let runner = try MatrixRunner(
        Matrix(config, host: host), RunIdentity(runID: "", host: "", commit: nil, branch: nil))
      _ = try runner.run(observer)
      for result in observer.results {
        let run = result.run
        if let failure = result.failure {
          if !reasons.contains(failure) { reasons.append(failure) }
        } else if run.guest.order == order, let share = run.found.coverageFree {
          let name = String(run.identity.strategy.prefix { $0 != ":" })
          bytes[name, default: [:]][order] = UInt64((share * Double(capture.freeBytes)).rounded())
        }
      }
    }
    self.orders = orders
    notes = reading.notes
    free = capture.freeBytes
    freeFromOrder = orders.map { order in
      capture.zones.reduce(0) { sum, zone in
        sum
          + zone.freeBlocks.enumerated().dropFirst(order).reduce(0) {
            $0 + ($1.element << UInt64($1.offset + capture.pageSize.shift))
          }
      }
    }
    rows = designs.map { design in Row(strategy: design.name, bytes: orders.map { bytes[design.name]?[$0] }) }
    self.reasons = reasons
  }

  private final class Collector: RunObserver {
    private(set) var results: [RepetitionResult] = []
    func finished(_ repetition: RepetitionResult) { results.append(repetition) }
    func progress(done: Int, total: Int, label: String) {}
  }
}
