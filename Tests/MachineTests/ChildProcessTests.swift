import Glibc
import Machine
import Testing

@Suite struct ChildProcessTests {
  private func start(_ script: String) throws -> ChildProcess { try ChildProcess(["sh", "-c", script]) }

  @Test func itsEndIsTold() throws {
    var fails = try start("exit 7")
    #expect(fails.wait() == .exited(7))
    #expect(fails.wait() == .exited(7))
    var dies = try start("kill -TERM $$")
    #expect(dies.wait(until: .now + .seconds(60)) == .killed(SIGTERM))
  }

  @Test func whatRunsOnIsLeftRunning() throws {
    var child = try start("exec sleep 1000")
    #expect(child.wait(until: .now + .milliseconds(50)) == nil)
    #expect(kill(child.id, 0) == 0)
    child.kill()
    #expect(kill(child.id, 0) != 0)
    #expect(child.wait() == .killed(SIGKILL))
  }

  @Test func itEndsWithItsValue() throws {
    func startAndForget() throws -> pid_t { try start("exec sleep 1000").id }
    #expect(kill(try startAndForget(), 0) != 0)
  }

  @Test func itSeesWhatItWasGiven() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let script = "echo $WORD; cat; echo lost >&2"
    var child = try ChildProcess(["/bin/sh", "-c", script], environment: ["WORD": "given"], output: ends[1])
    #expect(child.wait() == .exited(0))
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(ends[0], &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "given\n")
  }

  @Test func aProgramThatIsNotThereIsAnError() {
    #expect(throws: SystemCallError(call: "posix_spawn of hintbench-no-such-program", code: ENOENT)) {
      _ = try ChildProcess(["hintbench-no-such-program"])
    }
  }
}
