import ArgumentParser
import Bench
import Experiments
import Foundation

/// The command that `run --counters simulated` starts under valgrind; not for direct use.
struct CountSimulatedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: CountSimulator.command, shouldDisplay: false)

  func run() throws {
    try Failure.reporting {
      try CountSimulator.answer(FileHandle.standardInput.readDataToEndOfFile(), experiments: Experiments.list)
    }
  }
}
