import Fixtures
import Glibc
import Instruments

/// Instructions and cache misses of one run of a body, by running this program once more under valgrind: the same on every
/// machine of one architecture, whatever its counters, and in every run.
///
/// The second process gets the body's name as `--filter`, which the benchmark runner accepts; it counts and ends while it
/// registers its bodies, so that no runner ever starts in it.
enum SimulatedCount {
  /// Counts the body of that name.
  static func of(_ name: String) throws -> SimulatedReading {
    try SimulatedSelf.run(["--filter", name]).reading(name)
  }

  /// Where this is the second process and `body` the one asked for: counts it and ends.
  static func answer(_ body: Body) {
    guard Simulation.isOn, CommandLine.arguments.dropFirst() == ["--filter", body.name], SimulatedSelf.answer() else {
      return
    }
    // What happens the first time only isn't the body's.
    _ = body.run(.unwatched)
    Simulation.count(
      as: body.name, warmUp: { _ = body.run(.unwatched) },
      body: { start, stop in _ = body.run(Region(start: start, stop: stop)) })
    exit(0)
  }
}
