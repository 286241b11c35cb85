import Foundation
import Machine
import Records

/// Captures of one machine taken at a fixed interval: a file each, in the form of ``HostCapture/write(toFile:)``.
///
/// Names are UTC times to the millisecond, `20261201T152300.120Z.txt`, which sort as the files were taken.
public struct CaptureWatch: Sendable {
  /// The shortest interval: names have milliseconds. Nanoseconds.
  public static let shortestInterval = 1e6

  /// What a watch left behind.
  public struct Result: Equatable, Sendable {
    /// The files written, in order.
    public var written: [String] = []
    /// Intervals that passed while a capture was taken.
    public var missed = 0
    /// How many captures lack a part, by file.
    public var lacking: [CaptureFile: Int] = [:]

    public init() {}
  }

  private let host: HostCapture
  private let interval: Duration
  private let span: Duration

  /// - Parameters:
  ///   - interval: the time from one capture to the next.
  ///   - span: the time from the first to the last at most.
  /// - Throws: ``UserError`` of kind usage if the interval is below ``shortestInterval``, or the span is below it.
  public init(_ host: HostCapture, every interval: TimeSpan, for span: TimeSpan) throws(UserError) {
    guard interval.nanoseconds >= Self.shortestInterval else {
      throw .usage("invalid --watch \(interval): expected at least 1ms")
    }
    guard span.nanoseconds >= interval.nanoseconds else {
      throw .usage("invalid --for \(span): expected at least the interval of --watch, \(interval)")
    }
    self.host = host
    self.interval = .nanoseconds(Int64(interval.nanoseconds))
    self.span = .nanoseconds(Int64(span.nanoseconds))
  }

  /// Takes the captures: one at once and one each interval, the end of the span included. An interval that passes while a
  /// capture is taken is left out.
  ///
  /// - Parameters:
  ///   - directory: created if missing.
  ///   - isInterrupted: asked between captures, at least every 50 ms; true ends the watch.
  ///   - say: called for a part left out, once for each file and kind of reason.
  ///   - result: what was written, also if an error ends the watch.
  /// - Throws: `.exists` if the directory has anything in it, otherwise as ``HostCapture/write(toFile:)``. What was
  ///   written before stays.
  public func run(
    into directory: String, isInterrupted: () -> Bool, say: (CaptureOmission) -> Void, result: inout Result
  ) throws(CaptureWriteError) {
    let made = try Self.prepare(directory)
    defer { if result.written.isEmpty { HostCapture.remove(directories: made) } }
    var said: Set<String> = []
    // Names follow the steady clock, so that they sort even if the wall clock is set.
    let clock = ContinuousClock()
    let (start, began) = (Date(), clock.now)
    var due = Duration.zero
    while !isInterrupted() {
      let elapsed = began.duration(to: clock.now)
      guard elapsed >= due else {
        Thread.sleep(forTimeInterval: min((due - elapsed) / .seconds(1), 0.05))
        continue
      }
      let path = HostCapture.join(
        directory, CaptureSeries.name(of: start.addingTimeInterval(elapsed / .seconds(1))) + ".txt")
      let taken = try host.write(toFile: path)
      result.written.append(path)
      for omission in taken.omitted {
        result.lacking[omission.file, default: 0] += 1
        if said.insert("\(omission.file) \(omission.reason.kind)").inserted { say(omission) }
      }
      due += interval
      let after = began.duration(to: clock.now)
      while due < after, due + interval <= span {
        due += interval
        result.missed += 1
      }
      guard due <= span else { return }
    }
  }

  /// Makes the directory. Returns the directories made.
  private static func prepare(_ directory: String) throws(CaptureWriteError) -> [String] {
    var made: [String] = []
    try HostCapture.makeDirectories(directory, &made)
    let names: [String]
    do throws(UserError) { names = try FileAccess.names(in: directory) } catch {
      throw .io(path: directory, operation: "list it", code: ENOTDIR)
    }
    guard names.isEmpty else { throw .exists(path: directory) }
    return made
  }
}

extension CaptureOmission.Reason {
  /// The case, without what differs from capture to capture.
  fileprivate var kind: String {
    switch self {
    case .unreadable: "unreadable"
    case .unsteady: "unsteady"
    case .refused: "refused"
    }
  }
}
