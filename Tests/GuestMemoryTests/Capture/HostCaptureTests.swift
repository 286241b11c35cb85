import Foundation
import Synchronization
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// Taking a capture of the running machine, from made-up /proc trees and from the real one.
@Suite struct HostCaptureTests {
  /// A directory that goes away with the test.
  private final class Scratch {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "/hostcapture-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func put(_ name: String, _ text: String) throws {
      try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }
    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
    func names(_ directory: String = "") throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(directory)").sorted()
    }
  }

  private func proc(_ texts: (String, String?, String?)) throws -> Scratch {
    let scratch = try Scratch()
    try scratch.put("buddyinfo", texts.0)
    if let types = texts.1 { try scratch.put("pagetypeinfo", types) }
    if let zones = texts.2 { try scratch.put("zoneinfo", zones) }
    return scratch
  }

  private func writeError(_ host: HostCapture, _ directory: String) -> CaptureWriteError? {
    do {
      _ = try host.write(to: directory)
      return nil
    } catch {
      return error
    }
  }

  @Test func allThreeFilesAreCopiedByteByByte() throws {
    let proc = try proc((Fixtures.vmBuddyinfo, Fixtures.vmPagetypeinfo, Fixtures.vmZoneinfo))
    let out = try Scratch()
    let result = try HostCapture(procRoot: proc.path).write(to: "\(out.path)/a/b/")
    #expect(result.omitted.isEmpty)
    #expect(result.attempts == 1)
    #expect(try out.names("a/b") == ["buddyinfo.txt", "pagetypeinfo.txt", "zoneinfo.txt"])
    #expect(try out.text("a/b/buddyinfo.txt") == Fixtures.vmBuddyinfo)
    #expect(try out.text("a/b/pagetypeinfo.txt") == Fixtures.vmPagetypeinfo)
    #expect(try out.text("a/b/zoneinfo.txt") == Fixtures.vmZoneinfo)
    #expect(result.written[.zoneinfo] == "\(out.path)/a/b/zoneinfo.txt")
    let read = try Capture.read(
      buddyinfo: result.written[.buddyinfo]!, pagetypeinfo: result.written[.pagetypeinfo],
      zoneinfo: result.written[.zoneinfo])
    #expect(read == result.capture)
  }

  @Test func oneFileHasAllThree() throws {
    let proc = try proc((Fixtures.vmBuddyinfo, Fixtures.vmPagetypeinfo, Fixtures.vmZoneinfo))
    let out = try Scratch()
    let host = HostCapture(procRoot: proc.path)
    let result = try host.write(toFile: "\(out.path)/one")
    #expect(try out.names() == ["one"] && Set(result.written.values) == ["\(out.path)/one"] && result.omitted.isEmpty)
    #expect(try Array(out.text("one").utf8) == host.text().bytes)
    let read = try CaptureFiles(capture: "\(out.path)/one").read()
    #expect(read.capture == result.capture)
    #expect(
      read.capture
        == (try Fixtures.capture(Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo, zones: Fixtures.vmZoneinfo)))
    // Written once; nothing is left of what fails.
    #expect(throws: CaptureWriteError.exists(path: "\(out.path)/one")) { try host.write(toFile: "\(out.path)/one") }
    #expect(throws: CaptureWriteError.self) { try host.write(toFile: "\(out.path)/nowhere/one") }
    #expect(throws: CaptureWriteError.self) { try HostCapture(procRoot: "/nowhere").write(toFile: "\(out.path)/two") }
    #expect(try out.names() == ["one"])
  }

  @Test func withoutRootTheRestIsOneFile() throws {
    let proc = try proc((Fixtures.vmBuddyinfo, nil, Fixtures.vmZoneinfo))
    let out = try Scratch()
    let result = try HostCapture(procRoot: proc.path).write(toFile: "\(out.path)/one")
    #expect(result.omitted.map(\.file) == [.pagetypeinfo])
    let read = try CaptureFiles(capture: "\(out.path)/one").read()
    #expect(read.capture == result.capture && read.capture.hasZoneDetails && read.capture.pageblockOrder == nil)
  }

  @Test func whatCannotBeReadIsLeftOut() throws {
    let proc = try proc((Fixtures.debianBuddyinfo, nil, nil))
    let out = try Scratch()
    let result = try HostCapture(procRoot: proc.path).write(to: out.path)
    #expect(try out.names() == ["buddyinfo.txt"])
    #expect(result.attempts == 1)
    #expect(result.omitted.map(\.file) == [.pagetypeinfo, .zoneinfo])
    for omission in result.omitted {
      guard case .unreadable(let error) = omission.reason else {
        Issue.record("\(omission)")
        continue
      }
      #expect(error.isUnreadable)
      #expect(omission.description.hasPrefix("\(omission.file.fileName) not written: "))
    }
  }

  @Test func memoryThatNeverHoldsStillLeavesPagetypeinfoOut() throws {
    let moved = Fixtures.replacing("1115", with: "1114", in: Fixtures.vmBuddyinfo)
    let proc = try proc((moved, Fixtures.vmPagetypeinfo, Fixtures.vmZoneinfo))
    let out = try Scratch()
    let result = try HostCapture(procRoot: proc.path).write(to: out.path)
    #expect(try out.names() == ["buddyinfo.txt", "zoneinfo.txt"])
    #expect(result.attempts == 20)
    #expect(result.omitted.count == 1)
    guard case .unsteady(20, let last) = result.omitted.first?.reason else {
      Issue.record("\(result.omitted)")
      return
    }
    #expect(last.kind == .inconsistent)
    #expect(result.capture.pageblockOrder == nil)
    #expect(result.capture.zones[0].details != nil)
  }

  @Test(arguments: [2, 20]) func attemptsGoOnUntilTheFilesAgree(steadyAt: Int) throws {
    let readings = Atomic<Int>(0)
    let host = HostCapture { file throws(CaptureError) in
      switch file {
      case .buddyinfo:
        let reading = readings.add(1, ordering: .relaxed).newValue
        let text = Fixtures.vmBuddyinfo
        return CaptureText(
          name: "b", reading < steadyAt ? Fixtures.replacing("1115", with: "\(reading)", in: text) : text)
      case .pagetypeinfo: return CaptureText(name: "p", Fixtures.vmPagetypeinfo)
      case .zoneinfo: return CaptureText(name: "z", Fixtures.vmZoneinfo)
      }
    }
    let out = try Scratch()
    let result = try host.write(to: out.path)
    #expect(result.attempts == steadyAt)
    #expect(result.omitted.isEmpty)
    #expect(try out.text("buddyinfo.txt") == Fixtures.vmBuddyinfo)
  }

  @Test func filesThatCannotBeModelledAreLeftOutAtOnce() throws {
    let types = Fixtures.replacing("Page block order: 9", with: "Page block order: 99", in: Fixtures.vmPagetypeinfo)
    let zones = Fixtures.vmZoneinfo.replacingOccurrences(of: "spanned  ", with: "spanned x")
    let proc = try proc((Fixtures.vmBuddyinfo, types, zones))
    let out = try Scratch()
    let result = try HostCapture(procRoot: proc.path).write(to: out.path)
    #expect(try out.names() == ["buddyinfo.txt"])
    #expect(result.attempts == 1)
    for omission in result.omitted {
      guard case .refused(let error) = omission.reason else {
        Issue.record("\(omission)")
        continue
      }
      #expect(error.kind == .malformed)
    }
  }

  @Test func withoutABuddyinfoNothingIsWritten() throws {
    let out = try Scratch()
    let missing = writeError(HostCapture(procRoot: "/nowhere"), "\(out.path)/new")
    #expect(missing?.isIO == true)
    #expect(missing?.description.hasPrefix("/nowhere/buddyinfo: can't be read: ") == true)
    let proc = try proc((Fixtures.row(0, "Normal", [UInt64](repeating: 1, count: 14)), nil, nil))
    let large = writeError(HostCapture(procRoot: proc.path), "\(out.path)/new")
    #expect(large?.isIO == false)
    #expect(large?.description.contains("14 orders") == true)
    #expect(try out.names() == [])
  }

  @Test func filesThatAreThereStayAsTheyAre() throws {
    let proc = try proc((Fixtures.vmBuddyinfo, nil, nil))
    for file in CaptureFile.allCases {
      let out = try Scratch()
      try out.put(file.fileName, "mine")
      let error = writeError(HostCapture(procRoot: proc.path), out.path)
      #expect(error == .exists(path: "\(out.path)/\(file.fileName)"))
      #expect(
        error?.description == "\(out.path)/\(file.fileName): not empty; expected a new file, or a "
          + "folder without a capture")
      #expect(try out.names() == [file.fileName])
      #expect(try out.text(file.fileName) == "mine")
    }
    let out = try Scratch()
    try out.put("buddyinfo.txt", "")
    _ = try HostCapture(procRoot: proc.path).write(to: out.path)
    #expect(try out.text("buddyinfo.txt") == Fixtures.vmBuddyinfo)
  }

  @Test func failuresLeaveNothingBehind() throws {
    let proc = try proc((Fixtures.vmBuddyinfo, Fixtures.vmPagetypeinfo, Fixtures.vmZoneinfo))
    let out = try Scratch()
    try out.put("file", "x")
    let error = writeError(HostCapture(procRoot: proc.path), "\(out.path)/file/deeper")
    guard case .io(_, _, ENOTDIR) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.isIO == true)
    // A name appears while the files are written: what was made until then goes away again.
    let target = "\(out.path)/made"
    let source = proc.path
    let host = HostCapture { file throws(CaptureError) in
      if file == .zoneinfo {
        mkdir(target, 0o777)
        mkdir("\(target)/zoneinfo.txt", 0o777)
      }
      return try CaptureText.load("\(source)/\(file.procName)")
    }
    #expect(writeError(host, target) == .exists(path: "\(target)/zoneinfo.txt"))
    #expect(try out.names("made") == ["zoneinfo.txt"])
  }

  /// The machine that runs the tests: whatever its kernel is, what was written reads back.
  @Test func thisMachineIsCapturedOrRefusedWithReason() throws {
    let out = try Scratch()
    do {
      let result = try HostCapture().write(to: "\(out.path)/here")
      print("captured \(result.written.count) files in \(result.attempts) attempts; \(result.omitted)")
      #expect(result.written.count + result.omitted.count == 3)
      #expect(try out.names("here") == result.written.keys.map(\.fileName).sorted())
      let read = try Capture.read(
        buddyinfo: result.written[.buddyinfo]!, pagetypeinfo: result.written[.pagetypeinfo],
        zoneinfo: result.written[.zoneinfo])
      #expect(read == result.capture)
    } catch let error as CaptureWriteError {
      guard case .capture = error else { throw error }
      #expect(try out.names() == [])
    }
  }
}
