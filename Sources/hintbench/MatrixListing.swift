import Bench
import Records
import Reporting

/// `hintbench run --dry-run`: lists the cells and the estimated time and memory.
struct MatrixListing {
  private let matrix: Matrix
  private let launches: Int?

  /// Creates the listing. `launches`: launches of each build, if builds are compared.
  init(_ matrix: Matrix, launches: Int? = nil) {
    self.matrix = matrix
    self.launches = launches
  }

  /// Estimated overhead of a launch beside its repetitions: process start, measuring the machine's floors, building
  /// guests. Nanoseconds.
  private static let launchNanoseconds = 500e6

  private func row(_ cell: Cell) -> [String] {
    let guest = cell.modelledGuest
    var row = [cell.id, cell.experimentCard.name, cell.optionsText, ByteSize(bytes: cell.guestBytes).description]
    row += guest.map(fields) ?? Array(repeating: "", count: 6)
    row += [cell.scanNode.map(String.init) ?? ""]
    row += cell.configuredStrategy.map { [String(cell.order), $0.fullName] } ?? ["", ""]
    return row + [TimeSpan(nanoseconds: cell.estimatedNanoseconds(matrix.host)).description]
  }

  private func fields(_ guest: GuestSpec) -> [String] {
    [
      String(guest.nodes), guest.state.name, guest.listOrderName, String(guest.granuleOrder),
      guest.vmemmapPage == .filled ? guest.vmemmapPage.rawValue : ByteSize(bytes: guest.vmemmapPage.bytes).description,
      guest.memoryNode.map(String.init) ?? "",
    ]
  }

  var text: String {
    let rows = matrix.cells.map(row)
    let listing = TextListing(
      titles: [
        "cell", "experiment", "options", "guest", "nodes", "state", "list order", "granule", "vmemmap", "memory node",
        "scan node", "order", "strategy", "per repetition",
      ], rows: rows)
    let repetitions = matrix.config.repetitions
    var nanoseconds = matrix.estimatedNanoseconds
    let earlier = EarlierRuns(in: RunJob.runsFolder, like: matrix)
    nanoseconds *= earlier?.factor ?? 1
    if let launches { nanoseconds = 2 * Double(launches) * (nanoseconds + Self.launchNanoseconds) }
    var lines = [
      listing.text, "",
      "\(matrix.cells.count) cells x \(repetitions) repetitions = \(matrix.cells.count * repetitions)"
        + (launches.map { ", in each of 2 x \($0) launches" } ?? ""),
      "estimated time: \(TimeSpan(nanoseconds: nanoseconds))" + (earlier.map { " (\($0.text))" } ?? ""),
      "estimated host memory: \(ByteSize(bytes: matrix.peakBytes)) at a time, in \(matrix.batches.count) "
        + (matrix.batches.count == 1 ? "batch" : "batches") + " of guests",
    ]
    lines += matrix.captureNotes.map { "capture: \($0)" }
    lines += matrix.omissions.map { "skipped: \($0)" } + matrix.warnings
    return lines.joined(separator: "\n")
  }
}
