import ArgumentParser
import Migration

/// What `run migration --clock real` starts to send a guest's memory to; not for direct use.
struct MigrationDestinationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: DestinationServer.command, shouldDisplay: false)

  @Argument(parsing: .allUnrecognized) var words: [String] = []

  func run() throws {
    try Failure.reporting { try DestinationServer.serve(words) }
  }
}
