import Experiments

/// `hintbench run --dry-run`: the cells, and what the run will take.
public struct MatrixListing {
  private let matrix: Matrix

  public init(_ matrix: Matrix) { self.matrix = matrix }

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
    var lines = [
      listing.text, "",
      "\(matrix.cells.count) cells x \(repetitions) repetitions = \(matrix.cells.count * repetitions)",
      "estimated time: \(TimeSpan(nanoseconds: matrix.estimatedNanoseconds))",
      "estimated host memory: \(ByteSize(bytes: matrix.peakBytes)) at once, in \(matrix.batches.count) "
        + (matrix.batches.count == 1 ? "batch" : "batches") + " of guests",
    ]
    lines += matrix.omissions.map { "left out: \($0)" }
    return lines.joined(separator: "\n")
  }
}
