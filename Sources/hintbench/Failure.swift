import ArgumentParser
import Foundation
import Records

/// Turns a thrown error into one line and an exit status.
enum Failure {
  /// Runs `body`; where it throws, says why in one line on standard error and ends with the status the strategy gives
  /// it.
  static func reporting(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      FileHandle.standardError.write(Data("hintbench: \(error)\n".utf8))
      let kind = (error as? any UserFacing)?.failureKind ?? .fault
      throw ExitCode(kind.exitStatus)
    }
  }
}
