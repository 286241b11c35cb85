import Foundation
import Glibc
import Machine
import SystemPackage

/// A launch's end of the line on which it asks for its turn to measure.
///
/// Four launches of a comparison are there at once, and one of them measures at a time, repetition by repetition: a
/// machine that others make slower or faster for some seconds does so to both builds. Every other waits here.
public final class Turn {
  /// What a launch finds in its environment where its standard input is such a line.
  static let variable = "HINTBENCH_TURNS"

  private let line: Int32

  /// This process's line; nil if it takes no turns.
  public init?() {
    guard ProcessInfo.processInfo.environment[Self.variable] != nil else { return nil }
    // Not for what this process starts.
    unsetenv(Self.variable)
    line = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    guard line >= 0 else { return nil }
    if let nothing = try? FileDescriptor.opening("/dev/null", .readOnly) {
      _ = try? nothing.duplicate(as: .standardInput)
      try? nothing.close()
    }
  }

  deinit { close(line) }

  /// Ends the current turn, if any, and waits for the next one. Returns at once if turns are not in use.
  public func next() {
    guard TurnLine.send(line) else { return }
    _ = TurnLine.receive(line)
  }
}

/// The other end: who has a launch's turns to give.
final class TurnGiver {
  private let line: Int32
  /// What becomes the launch's standard input; closed once it is started.
  private(set) var launchEnd: Int32

  /// - Throws: ``SystemCallError`` if the kernel gives no more sockets.
  init() throws(SystemCallError) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SystemCallError(call: "socketpair", code: errno)
    }
    (line, launchEnd) = (ends[0], ends[1])
  }

  deinit {
    close(line)
    closeLaunchEnd()
  }

  /// So that the launch's end is seen as the line's.
  func closeLaunchEnd() {
    if launchEnd >= 0 { close(launchEnd) }
    launchEnd = -1
  }

  /// Waits until the launch asks for a turn; false where it ended instead.
  func isAsked() -> Bool { TurnLine.receive(line) }

  /// Gives it its turn.
  func give() { _ = TurnLine.send(line) }
}

/// A byte asks, a byte gives.
private enum TurnLine {
  static func send(_ line: Int32) -> Bool {
    var byte: UInt8 = 0
    // Without SIGPIPE: the other side may have ended.
    return Glibc.send(line, &byte, 1, Int32(MSG_NOSIGNAL)) == 1
  }

  static func receive(_ line: Int32) -> Bool {
    var byte: UInt8 = 0
    return retryingInterrupted { recv(line, &byte, 1, 0) } == 1
  }
}
