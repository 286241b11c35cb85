import Foundation
import Instruments
import Machine
import Records

/// Refuses to measure with a debug build.
enum DebugBuild {
  /// Why this build may not measure; nil if it may. Unoptimised Swift is 2 to 15 times slower, so its figures are
  /// worthless. HINTBENCH_ALLOW_DEBUG overrides this, for tests.
  static var refusal: UserError? {
    guard BuildFacts.current.mode == "debug", ProcessInfo.processInfo.environment["HINTBENCH_ALLOW_DEBUG"] == nil else {
      return nil
    }
    return UserError(
      .unavailable,
      "debug build: its timings are meaningless; expected a release build (swift build -c release), or "
        + "HINTBENCH_ALLOW_DEBUG=1"
    )
  }

  /// - Throws: ``refusal``.
  static func refuse() throws {
    if let refusal { throw refusal }
    guard BuildFacts.current.mode == "debug" else { return }
    FileHandle.standardError.write(Data("hintbench: debug build: timings are meaningless\n".utf8))
  }
}
