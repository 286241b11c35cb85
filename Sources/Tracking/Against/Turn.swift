import Foundation
import Glibc
import Machine
import SystemPackage

/// A launch's end of the line on which it asks for its turn to measure.
///
/// The four launches of a quartet run at the same time, but only one measures at a time, repetition by repetition: if
/// others make the machine slower or faster for some seconds, both builds are affected.
public final class Turn {
  /// The environment variable that tells a launch that its standard input is such a line.
  static let variable = "HINTBENCH_TURNS"

  private let line: Int32

  /// Opens this process's line; nil if it takes no turns.
  public init?() {
    guard ProcessInfo.processInfo.environment[Self.variable] != nil else { return nil }
    // Not inherited by processes that this one starts.
    unsetenv(Self.variable)
    line = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    guard line >= 0 else { return nil }
    if let nothing = try? FileDescriptor.opening("/dev/null", .readOnly) {
      _ = try? nothing.duplicate(as: .standardInput)
      try? nothing.close()
    }
  }

  deinit { close(line) }

  /// Ends the current turn, if any, and waits for the next one. Returns at once if turns aren't in use.
  public func next() {
    guard TurnLine.send(line) else { return }
    _ = TurnLine.receive(line)
  }
}

/// The launching end of the line, which gives turns.
final class TurnGiver {
  private let line: Int32
  /// The launch's standard input; closed once it has started.
  private(set) var launchEnd: Int32

  /// - Throws: ``SystemCallError`` if the kernel refuses a socket.
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

  /// Closes the launch's end here, so that the line ends when the launch does.
  func closeLaunchEnd() {
    if launchEnd >= 0 { close(launchEnd) }
    launchEnd = -1
  }

  /// Waits until the launch asks for a turn. Returns false if it ended instead.
  func isAsked() -> Bool { TurnLine.receive(line) }

  /// Gives the launch its turn.
  func give() { _ = TurnLine.send(line) }
}

/// The protocol: one byte asks for a turn, one byte gives it.
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

/// Runs several launches at the same time, of which one measures at a time.
enum TurnTaking {
  /// Starts `count` launches one by one, each once the previous one waits for its first turn or has ended, and gives
  /// them turns in order, round after round, until all have ended. An error ends them all.
  ///
  /// - Parameters:
  ///   - start: starts the launch of a place, from 0.
  ///   - ended: called as soon as the launch of a place has succeeded.
  static func run(_ count: Int, start: (Int) throws -> Launch, ended: (Int) throws -> Void) throws {
    var launches: [Launch] = []
    func goOn(_ place: Int) throws {
      try launches[place].goOn()
      if !launches[place].isWaiting { try ended(place) }
    }
    for place in 0..<count {
      launches.append(try start(place))
      try goOn(place)
    }
    while launches.contains(where: \.isWaiting) {
      for place in launches.indices where launches[place].isWaiting { try goOn(place) }
    }
  }
}
