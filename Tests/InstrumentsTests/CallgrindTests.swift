import Foundation
import TestSupport
import Testing

@testable import Instruments
@testable import Machine

/// The call of valgrind, with shell scripts in its place.
@Suite struct CallgrindTests {
  private static let caches = SimulatedCaches(like: [])

  /// A program that says it is valgrind, and does this when it is to simulate; gone with the call.
  private static func with<Result>(_ script: String, _ body: (Callgrind) throws -> Result) throws -> Result {
    let tree = try FakeTree([
      "/valgrind": "if [ \"$1\" = --version ]; then echo valgrind-9.9.9; exit; fi\n\(script)\n"
    ])
    return try withExtendedLifetime(tree) {
      // Read by a shell: a file just written can't be executed while a child of another test still has it open.
      try body(try Callgrind(caches: caches, valgrind: ["sh", tree.path + "/valgrind"], program: "/bin/true"))
    }
  }

  @Test func withoutValgrindThereIsAMend() {
    let error = #expect(throws: CounterError.self) {
      try Callgrind(caches: Self.caches, valgrind: ["hintbench-has-no-such-program"])
    }
    #expect(error?.description.contains("apt-get install valgrind") == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test func whatIsAskedForReachesIt() throws {
    // What it is called with and given goes out as the name of its counts.
    let outcome = try Self.with(
      """
      for word; do case $word in --callgrind-out-file=*) file=${word#*=};; esac; done
      { echo "desc: Trigger: Client Request: $* $(cat) $SWIFT_DETERMINISTIC_HASHING $HOME"
        echo events: Ir; echo totals: 3; } > $file
      """
    ) { try $0.run(["word"], input: Array("input".utf8)) }
    #expect(outcome.failure == nil)
    let words = try #require(outcome.counts.keys.first)
    #expect(outcome.counts[words]?.instructions == 3)
    for option in [
      "--tool=callgrind", "--collect-atstart=no", "--instr-atstart=no", "--cache-sim=yes", "--D1=32768,8,64",
      "--LL=8388608,16,64", "--vgdb=no", "--command-line-only=yes",
    ] { #expect(words.contains(option), "\(words)") }
    #expect(words.hasSuffix(" word input 1 "), "its words, its input, its environment: \(words)")
  }

  @Test func aFailureIsALineAndLosesNothingOfWhatCameBefore() throws {
    let before = """
      for word; do case $word in --callgrind-out-file=*) file=${word#*=};; esac; done
      printf 'desc: Trigger: Client Request: a\\nevents: Ir\\ntotals: 3\\ndesc: Trigger: Client Request: b\\n' > $file
      """
    let crash = try Self.with("\(before)\necho '==12== Process terminating' >&2\nkill -SEGV $$") {
      try $0.run([], input: [])
    }
    #expect(crash.failure == "valgrind ended with signal 11: Process terminating")
    #expect(crash.counts.mapValues(\.instructions) == ["a": 3])
    let refusal = try Self.with("\(before)\necho noise >&2\necho 'hintbench: no memory' >&2\nexit 69") {
      try $0.run([], input: [])
    }
    #expect(refusal.failure == "valgrind ended with exit status 69: hintbench: no memory")
    #expect(try Self.with("exit 3") { try $0.run([], input: []) }.failure == "valgrind ended with exit status 3")
  }

  @Test func outsideTheSimulatorNothingIsSimulated() throws {
    #expect(!Simulation.isOn)
    var calls = 0
    Simulation.count(
      as: "x", warmUp: { calls += 1 },
      body: { start, stop in
        start()
        calls += 1
        stop()
      })
    #expect(calls == 2)
    #expect(throws: SystemCallError.self) { try Simulation.endWithParent(-1) }
  }
}
