import Experiments
import Records

/// `hintbench run --dry-run`: the cells, and what the run will take.
public struct MatrixListing {
  private let matrix: Matrix
  private let launches: Int?

  /// `launches`: how often each of two builds runs it, where builds are compared.
  public init(_ matrix: Matrix, launches: Int? = nil) {
    self.matrix = matrix
    self.launches = launches
  }

  /// What a launch takes beside its repetitions: a process to start, the machine's limits, guests to build. Nanoseconds.
  private static let launchNanoseconds = 500e6

  public var text: String {
    let rows = matrix.cells.map { cell in
      [
        cell.id, cell.experimentCard.name, "\(ByteSize(bytes: cell.guest.bytes))", "\(cell.guest.nodes)",
        cell.guest.state.name,
        cell.guest.listOrder.rawValue, "\(cell.guest.granuleOrder)",
        "\(ByteSize(bytes: cell.guest.vmemmapPage.rawValue))",
        "\(cell.order)", cell.load.rawValue, "\(cell.hostAckNs)",
        cell.setting.scanners == .perNode ? "one a node" : cell.setting.scanNode.map { "on node \($0)" } ?? "one",
        cell.guest.memoryNode.map(String.init) ?? "own", cell.strategy.fullName,
      ]
    }
    let listing = TextListing(
      titles: [
        "cell", "experiment", "guest", "nodes", "state", "list order", "granule", "vmemmap", "order", "load",
        "host ack ns", "scanners", "memory node", "strategy",
      ], rows: rows)
    let repetitions = matrix.config.repetitions
    var nanoseconds = matrix.estimatedNanoseconds
    if let launches { nanoseconds = 2 * Double(launches) * (nanoseconds + Self.launchNanoseconds) }
    var lines = [
      listing.text, "",
      "\(matrix.cells.count) cells x \(repetitions) repetitions = \(matrix.cells.count * repetitions)"
        + (launches.map { ", in each of 2 x \($0) launches" } ?? ""),
      "estimated time: \(TimeSpan(nanoseconds: nanoseconds))",
      "estimated host memory: \(ByteSize(bytes: matrix.peakBytes)) at once, in \(matrix.batches.count) "
        + (matrix.batches.count == 1 ? "batch" : "batches") + " of guests",
    ]
    lines += matrix.omissions.map { "left out: \($0)" }
    return lines.joined(separator: "\n")
  }
}
