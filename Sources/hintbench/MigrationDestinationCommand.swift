import ArgumentParser
import Migration

/// The command that `run migration --clock real` starts as the migration's destination; not for direct use.
struct MigrationDestinationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: DestinationServer.command, shouldDisplay: false)

  @Argument(parsing: .allUnrecognized) var words: [String] = []

  func run() throws {
    try Failure.reporting { try DestinationServer.serve(words) }
  }
}
