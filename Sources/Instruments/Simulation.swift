import CHost
import Machine

/// The simulated side of ``Callgrind``: requests to the simulator. Without a simulator these only run their arguments.
public enum Simulation {
  /// Whether this process runs under the simulator.
  public static var isOn: Bool { chost_simulation_is_on() }

  /// Counts, under a name, what runs between the calls of `start` and `stop`, which are passed to `body` and called
  /// once each.
  ///
  /// The simulated caches are empty before `warmUp`, which is simulated but not counted. Everything else runs faster,
  /// and uncounted.
  public static func count(
    as name: String, warmUp: () -> Void = {},
    body: (_ start: @escaping () -> Void, _ stop: @escaping () -> Void) -> Void
  ) {
    chost_simulation_begin()
    warmUp()
    body({ chost_simulation_toggle_count() }, { chost_simulation_toggle_count() })
    chost_simulation_write_counts(name)
    chost_simulation_end()
  }

  /// Ends this process when its parent ends, even if the parent is killed.
  ///
  /// - Throws: ``SystemCallError`` if the parent has ended already or the kernel refuses.
  public static func endWithParent(_ parent: Int32) throws(SystemCallError) {
    let code = chost_die_with_parent(parent)
    guard code == 0 else { throw SystemCallError(call: "prctl(PR_SET_PDEATHSIG)", code: code) }
  }
}
