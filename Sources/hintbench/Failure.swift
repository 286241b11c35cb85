import ArgumentParser
import Foundation
import GuestMemory
import Instruments
import Machine
import Migration
import Records
import Reporting
import Tracking

/// Turns what the rooms throw into one line and an exit status.
enum Failure {
  /// Runs `body`; where it throws, says why in one line on standard error and ends with the status the design gives it.
  static func reporting(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      FileHandle.standardError.write(Data("hintbench: \(error)\n".utf8))
      throw ExitCode(status(of: error))
    }
  }

  private static func status(of error: any Error) -> Int32 {
    switch error {
    case let error as MatrixError: error.exitStatus
    case let error as ReportingError: error.exitStatus
    case let error as ComparisonError: error.exitStatus
    case let error as LaunchError: error.exitStatus
    case let error as HistoryError: error.exitStatus
    case let error as CaptureError: error.isUnreadable ? 74 : 65
    case let error as CaptureWriteError: error.isIO ? 74 : 65
    case is CounterError, is NumaError, is SystemCallError, is MigrationError: 69
    case let error as GuestError:
      switch error {
      case .cannotReserve: 69
      default: 65
      }
    default: 70
    }
  }
}
