import Foundation
import Instruments
import Machine
import Records

/// What measures asks this first.
enum DebugBuild {
  /// Why this program may not measure; nil where it may. Unoptimised Swift is 2 to 15 times slower: its figures are
  /// worth nothing. HINTBENCH_ALLOW_DEBUG lets it, for tests.
  static var refusal: UserError? {
    guard BuildFacts.current.mode == "debug", ProcessInfo.processInfo.environment["HINTBENCH_ALLOW_DEBUG"] == nil else {
      return nil
    }
    return UserError(
      .unavailable,
      "this is a debug build, whose figures are worth nothing; accepted: swift build -c release, or HINTBENCH_ALLOW_DEBUG=1"
    )
  }

  /// - Throws: ``refusal``.
  static func refuse() throws {
    if let refusal { throw refusal }
    guard BuildFacts.current.mode == "debug" else { return }
    FileHandle.standardError.write(Data("hintbench: a debug build: these figures are worth nothing\n".utf8))
  }
}
