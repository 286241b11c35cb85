import ArgumentParser
import Foundation
import Records

/// Turns a thrown error into one line and an exit status.
enum Failure {
  /// Runs `body`. If it throws, prints one line to standard error and exits with the error's status.
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
