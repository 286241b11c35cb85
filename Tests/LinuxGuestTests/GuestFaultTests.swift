import Foundation
import Glibc
import Testing

@testable import LinuxGuest

/// Whatever goes wrong with a guest is told, and leaves no QEMU behind. A shell script stands for QEMU.
@Suite(.enabled(if: Here.has("cpio", "setpriv"), "no cpio here to pack a guest's files: make test-guest installs it"))
struct GuestFaultTests {
  /// Runs one command on the fake: what was thrown, with the script gone.
  private func fault(_ script: String, within limit: Duration = .seconds(60)) throws -> LinuxGuestError? {
    let fake = try FakeQEMU(script)
    let error = #expect(throws: LinuxGuestError.self) { try fake.guest.run(["true"], within: limit) }
    #expect(!Here.isRunning(try fake.process()))
    #expect(error?.description.contains("\n") == false)
    return error
  }

  @Test func aGuestThatHangsIsKilled() throws {
    let booting = try fault("echo Booting >$console; exec sleep 1000", within: .seconds(2))
    #expect(booting == .timedOut(.seconds(2), during: "boot", console: "Booting"))
    let working = try fault(#"echo begin >$report; exec sleep 1000"#, within: .seconds(2))
    #expect(working == .timedOut(.seconds(2), during: "command 1 of 1, true", console: ""))
  }

  @Test func qemuGoesWithWhoStartedIt() async throws {
    let folder = "/tmp/hintbench-fake-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let folder = "/tmp/hintbench-fake-\(getppid())"
      let fake = try FakeQEMU(folder: folder, "exec sleep 1000")
      // What the killed program leaves goes with the folder.
      setenv("TMPDIR", folder, 1)
      Thread.detachNewThread {
        while !FileManager.default.fileExists(atPath: folder + "/initramfs") { usleep(10_000) }
        kill(getpid(), SIGKILL)
      }
      _ = try fake.guest.run(["true"], within: .seconds(60))
    }
    let text = try String(contentsOfFile: folder + "/pid", encoding: .utf8)
    let process = try #require(Int(text.dropLast()))
    for _ in 0..<500 where Here.isRunning(process) { usleep(10_000) }
    #expect(!Here.isRunning(process))
  }

  @Test func aPanicIsToldInTheKernelsWords() throws {
    let line = "[    1.5] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"
    let error = try fault("printf '[    1.4] init\\n\(line)\\r\\nmore\\n' >$console")
    #expect(error == .panicked(line, during: "boot"))
  }

  @Test func aGuestThatGoesOffEarlyIsNoResult() throws {
    let error = try fault(#"printf 'begin\nresult 0 1 0\nxfile 5 /a' >$report; echo "Power down" >$console"#)
    #expect(error == .endedEarly(during: "the return of files", console: "Power down"))
  }

  @Test func qemusOwnComplaintIsPassedOn() throws {
    let error = try fault("echo 'qemu: no such machine' >&2; exit 1")
    #expect(error == .qemuFailed(.exited(1), message: "qemu: no such machine"))
    #expect(try fault("kill -ABRT $$") == .qemuFailed(.killed(SIGABRT), message: ""))
  }

  @Test func aReportThatIsNoneIsRefused() throws {
    #expect(try fault("echo 'result 0 0 0' >$report") == .garbled("result 0 0 0"))
  }

  @Test func whatIsNotThereIsNamedBeforeAnythingStarts() throws {
    let fake = try FakeQEMU("")
    var guest = fake.guest
    guest.kernel = fake.folder + "/vmlinuz"
    #expect(throws: LinuxGuestError.missingFile(what: "kernel", path: guest.kernel)) { try guest.run([]) }
    guest = fake.guest
    guest.busybox = fake.folder + "/busybox"
    #expect(throws: LinuxGuestError.missingFile(what: "busybox", path: guest.busybox)) { try guest.run([]) }
    guest = fake.guest
    guest.programs = ["tool": fake.folder + "/tool"]
    #expect(throws: LinuxGuestError.missingFile(what: "tool", path: fake.folder + "/tool")) { try guest.run([]) }
    guest = fake.guest
    guest.qemu = "hintbench-no-such-program"
    let error = #expect(throws: LinuxGuestError.self) { try guest.run([]) }
    #expect(error == .missingProgram(guest.qemu, package: "qemu-system-x86"))
    #expect(error?.description.contains("apt-get install qemu-system-x86") == true)
    #expect(!FileManager.default.fileExists(atPath: fake.folder + "/pid"))
  }

  @Test func theMachineHasTheNodesAsked() throws {
    let fake = try FakeQEMU(#"printf 'begin\nresult 3 2 0\nokend\n' >$report"#)
    let run = try fake.guest.run(["exit 3"])
    #expect(run.results.map(\.status) == [3])
    #expect(run.results.map(\.text) == ["ok"])
    let words = try fake.text("words")
    #expect(words.contains("-smp 4,sockets=2,cores=2,threads=1 -m 1024M"))
    #expect(words.contains("-numa node,nodeid=0,cpus=0-1,memdev=memory0"))
    #expect(words.contains("-object memory-backend-ram,id=memory1,size=536870912"))
    #expect(words.contains("-numa node,nodeid=1,cpus=2-3,memdev=memory1"))
  }

  @Test func theInitramfsHoldsProgramsAndCommands() throws {
    let fake = try FakeQEMU("printf 'begin\\n' >$report")
    var guest = fake.guest
    guest.programs = ["tool": "/bin/sh"]
    _ = try? guest.run(["first", "second"], returning: ["/a b"])
    /// What cpio itself makes of the archive.
    func unpacked(_ words: String) throws -> String {
      try #require(Here.output(of: "sh", "-c", "exec cpio --quiet \(words) <'\(fake.folder)/initramfs'"))
    }
    let names = try unpacked("-t").split(separator: "\n").sorted()
    #expect(
      names == [
        "bin", "bin/busybox", "bin/tool", "guest", "guest/command0", "guest/command1", "guest/paths", "init",
      ])
    #expect(try unpacked("-i --to-stdout guest/command1") == "second\n")
    #expect(try unpacked("-i --to-stdout guest/paths") == "/a b\n")
    let listing = try unpacked("-tv").split(separator: "\n").map { $0.split(separator: " ") }
    let tool = try #require(listing.first { $0.last == "bin/tool" })
    let size = try #require(Here.output(of: "stat", "--dereference", "--format=%s", "/bin/sh"))
    #expect(tool[0] == "-rwxr-xr-x" && tool[4] + "\n" == size)
    #expect(listing.first { $0.last == "init" }?.first == "-rwxr-xr-x")
  }
}
