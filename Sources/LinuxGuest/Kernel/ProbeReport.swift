import Foundation
import GuestMemory
import Records

/// What the probe printed: one `NAME KEY=VALUE...` a line, and a trace's steps.
public struct ProbeReport: Sendable {
  /// A session of a design.
  public struct Session: Sendable {
    public var design: String
    /// `OPTION=VALUE`; nil for a design without an option.
    public var option: String?
    public var order: Int
    /// Whether its holds were timed.
    public var isProbed: Bool
    public var isCold: Bool
    public var outcome: RunOutcome
    public var blocks: Int
    public var pages: UInt64
    /// A sum over the PFNs of the blocks: equal for passes that found the same.
    public var pfnSum: UInt64
    public var holds: Int
    public var holdsDropped: Int
    /// Of collecting, and of giving back. Ticks of the time-stamp counter.
    public var ticks: UInt64
    public var returnTicks: UInt64
    /// The timed holds in order: ticks, and list entries looked at.
    public var samples: [(ticks: UInt64, items: UInt32)] = []

    /// The full name of the strategy, as `hintbench list strategies` has it.
    public var fullName: String { option.map { "\(design):\($0)" } ?? design }
  }

  /// One operation of a trace and its block.
  public enum Step: Equatable, Sendable {
    /// nil: there was none.
    case allocated(UInt64?)
    case freed(UInt64)
    case drained
    /// How many blocks were isolated and put back.
    case reported(Int)
    /// A pageblock, and whether it could be isolated.
    case isolated(UInt64, Bool)
    case unisolated(UInt64)
  }

  /// A trace as the kernel executed it.
  public struct Trace: Sendable {
    public var seed: UInt64
    /// The most pages it holds.
    public var most: UInt64
    /// The state before it.
    public var start = KernelState()
    public var steps: [Step] = []
    /// The state after so many steps.
    public var checkpoints: [(steps: Int, state: KernelState)] = []
  }

  /// `uname -r`.
  public var release = ""
  public var cpus = 0
  public var nodes = 0
  public var maxOrder = 0
  /// The memory that the kernel manages. Pages.
  public var pages: UInt64 = 0
  public var sessions: [Session] = []
  /// Of each `dump`.
  public var states: [KernelState] = []
  /// Of the first one.
  public var state: KernelState { states.first ?? KernelState() }
  /// Its lines.
  public var stateText = ""
  public var traces: [Trace] = []
  /// Whether all commands were run.
  public var isComplete = false
  /// The command that failed, and its errno.
  public var failure: (command: String, errno: Int)?

  /// Where a dump's lines belong.
  private enum Place {
    case dump
    case start
    case checkpoint
  }
  private var place = Place.dump

  /// Parses a report, whole or cut short.
  ///
  /// - Throws: ``UserError`` of kind input with the line if it can't be one.
  public init(_ text: String, file: String) throws(UserError) {
    var command = ""
    // The last line ends with a newline, unless it was torn.
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated() {
      if traces.last != nil, let step = Step(line) {
        traces[traces.count - 1].steps.append(step)
        continue
      }
      guard let fields = ProbeLine(line) else {
        throw .input(file: file, line: number + 1, "invalid line '\(line)'", accepted: "expected NAME KEY=VALUE...")
      }
      do throws(ProbeLine.Missing) {
        if fields.name == "command" {
          command = String(line.dropFirst("command ".count))
          if command == "dump" {
            place = .dump
            states.append(KernelState())
          }
        } else if fields.name == "error" {
          failure = (command, Int(fields.words.first ?? "") ?? 0)
        } else {
          try add(fields)
          if place == .dump, states.count == 1, KernelState.lineNames.contains(fields.name) { stateText += line + "\n" }
        }
      } catch {
        throw .input(
          file: file, line: number + 1, "no \(error.key) in '\(line)'", accepted: "expected what the probe prints")
      }
    }
  }

  /// Parses what a kernel's probe printed, which must have run all of its commands.
  ///
  /// - Throws: ``UserError`` of kind fault if a command failed, or the end is missing.
  static func whole(_ text: String, of version: String) throws(UserError) -> ProbeReport {
    let report = try ProbeReport(text, file: "the probe's result")
    if let failure = report.failure {
      let why =
        failure.errno == Int(-ETIME)
        ? "a hold was longer than it may be; see --longest-hold" : String(cString: strerror(Int32(-failure.errno)))
      throw UserError(.fault, "\(version): '\(failure.command)' failed: \(why)")
    }
    guard report.isComplete else { throw UserError(.fault, "\(version): the probe's result is cut short") }
    return report
  }

  private mutating func add(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    switch fields.name {
    case "done": isComplete = true
    case "hintprobe": try start(fields)
    case "session": sessions.append(try Session(fields))
    case "hold":
      guard !sessions.isEmpty else { throw ProbeLine.Missing(key: "session before") }
      sessions[sessions.count - 1].samples.append(
        (UInt64(try fields.number("ticks")), UInt32(clamping: try fields.number("items"))))
    case "trace":
      traces.append(
        Trace(seed: UInt64(truncatingIfNeeded: try fields.number("seed")), most: UInt64(try fields.number("most"))))
      place = .start
    case "checkpoint":
      guard let steps = fields.words.first.flatMap({ Int($0) }), !traces.isEmpty else {
        throw ProbeLine.Missing(key: "number of steps of a trace")
      }
      traces[traces.count - 1].checkpoints.append((steps, KernelState()))
      place = .checkpoint
    case "zone", "free", "list", "pageblocks", "pcp", "pcplist", "pcpnoted":
      switch place {
      case .dump:
        guard !states.isEmpty else { throw ProbeLine.Missing(key: "dump before") }
        try states[states.count - 1].add(fields)
      case .start: try traces[traces.count - 1].start.add(fields)
      case .checkpoint:
        let last = traces[traces.count - 1].checkpoints.count - 1
        try traces[traces.count - 1].checkpoints[last].state.add(fields)
      }
    default: throw ProbeLine.Missing(key: "known name")
    }
  }

  private mutating func start(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    release = try fields.text("release")
    cpus = try fields.number("cpus")
    nodes = try fields.number("nodes")
    maxOrder = try fields.number("max_order")
    pages = UInt64(try fields.number("pages"))
  }
}

extension ProbeReport.Step {
  /// Parses `a PFN`, `a -`, `f PFN`, `r COUNT`, `i PFN 0|1`, `u PFN` or `d`; nil if the line is none of them.
  init?(_ line: Substring) {
    guard let kind = line.utf8.first, line.utf8.dropFirst().first.map({ $0 == UInt8(ascii: " ") }) ?? true else {
      return nil
    }
    let value = line.dropFirst(2)
    switch kind {
    case UInt8(ascii: "a"):
      if value == "-" {
        self = .allocated(nil)
      } else if let pfn = UInt64(value) {
        self = .allocated(pfn)
      } else {
        return nil
      }
    case UInt8(ascii: "f"):
      guard let pfn = UInt64(value) else { return nil }
      self = .freed(pfn)
    case UInt8(ascii: "r"):
      guard let count = Int(value) else { return nil }
      self = .reported(count)
    case UInt8(ascii: "i"):
      let words = value.split(separator: " ")
      guard words.count == 2, let pfn = UInt64(words[0]), ["0", "1"].contains(words[1]) else { return nil }
      self = .isolated(pfn, words[1] == "1")
    case UInt8(ascii: "u"):
      guard let pfn = UInt64(value) else { return nil }
      self = .unisolated(pfn)
    case UInt8(ascii: "d") where line.utf8.count == 1: self = .drained
    default: return nil
    }
  }
}

extension ProbeReport.Session {
  fileprivate init(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    design = try fields.text("design")
    let name = try fields.text("option")
    option = name.isEmpty ? nil : "\(name)=\(try fields.number("limit"))"
    order = try fields.number("order")
    isProbed = try fields.number("probed") != 0
    isCold = try fields.text("cache") == "cold"
    guard let outcome = RunOutcome(rawValue: try fields.text("outcome")) else {
      throw ProbeLine.Missing(key: "outcome")
    }
    self.outcome = outcome
    blocks = try fields.number("blocks")
    pages = UInt64(truncatingIfNeeded: try fields.number("pages"))
    pfnSum = UInt64(bitPattern: Int64(try fields.number("pfn_sum")))
    holds = try fields.number("holds")
    holdsDropped = try fields.number("dropped")
    ticks = UInt64(truncatingIfNeeded: try fields.number("ticks"))
    returnTicks = UInt64(truncatingIfNeeded: try fields.number("return_ticks"))
  }
}
