import GuestMemory

/// Whether the designs that change nothing found exactly the blocks that the kernel's own counters show.
public struct BuddyinfoAgreement: Sendable {
  /// Sessions that were held against /proc/buddyinfo; of a kernel without user space, against `nr_free`.
  public private(set) var sessions = 0
  public private(set) var equal = 0
  /// The first session that found others, in words.
  public private(set) var difference: String?
  /// Runs whose counters moved while the sessions were made, which therefore prove nothing.
  public private(set) var moved = 0
  private var counter = "nr_free"

  mutating func add(_ run: KernelRun, order: Int, isReading: (ProbeReport.Session) -> Bool) throws {
    // Before the designs that read the lists, and after them.
    var shown = run.report.states.prefix(2).map { state in
      state.zones.reduce(0) { $0 + $1.blocksFree.dropFirst(order).reduce(0, +) }
    }
    if let buddyinfo = run.before["buddyinfo"] {
      counter = "/proc/buddyinfo"
      shown.append(try Self.blocks(buddyinfo, order))
    }
    guard let blocks = shown.first, Set(shown).count == 1 else {
      moved += 1
      return
    }
    for session in run.report.sessions where isReading(session) && session.outcome == .complete {
      sessions += 1
      if session.blocks == blocks {
        equal += 1
      } else if difference == nil {
        difference = "\(session.fullName) found \(session.blocks) blocks where \(counter) shows \(blocks)"
      }
    }
  }

  private static func blocks(_ buddyinfo: String, _ order: Int) throws -> Int {
    let capture = try Capture(buddyinfo: CaptureText(name: "/proc/buddyinfo", buddyinfo))
    return capture.zones.reduce(0) { $0 + $1.freeBlocks.dropFirst(order).reduce(0) { $0 + Int($1) } }
  }

  /// A line.
  public var text: String {
    var text = "Blocks found equal \(counter)'s in \(equal) of \(sessions) sessions that read the lists"
    if let difference { text += "; \(difference)" }
    if moved > 0 { text += "; boots that weren't compared, since free memory moved meanwhile: \(moved)" }
    return text + "."
  }
}
