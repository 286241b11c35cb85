import Foundation
import Testing

@testable import Reporting

@Suite("Progress")
struct ProgressBarTests {
  @Test("where there is no terminal a line comes every interval, or never", arguments: [nil, 0, 3600] as [Int?])
  func noTerminal(seconds: Int?) throws {
    try RunFixtures.withFolder { folder in
      let descriptor = open(folder + "/out", O_WRONLY | O_CREAT, 0o600)
      defer { close(descriptor) }
      let bar = ProgressBar(total: 3, descriptor: descriptor, interval: seconds.map { .seconds($0) })
      bar.update(done: 1, label: "none")
      bar.update(done: 2)
      bar.update(done: 3)
      bar.clear()
      let lines = try RunFixtures.text(folder + "/out").split(separator: "\n")
      #expect(lines.count == (seconds == 0 ? 2 : 0), "\(lines)")
      #expect(lines.first?.hasPrefix("hintbench: 1/3, ") == lines.first.map { _ in true })
      #expect(lines.first?.hasSuffix(" left  none") == lines.first.map { _ in true })
    }
  }

  @Test("on a terminal one line is written over, and cleared")
  func terminal() throws {
    let primary = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(primary >= 0)
    defer { close(primary) }
    // TIOCSPTLCK and TIOCGPTN, which stand behind unlockpt(3) and ptsname(3); Glibc's module has neither.
    var unlocked: Int32 = 0
    var number: UInt32 = 0
    try #require(ioctl(primary, 0x4004_5431, &unlocked) == 0 && ioctl(primary, 0x8004_5430, &number) == 0)
    let secondary = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(secondary >= 0)
    defer { close(secondary) }
    let bar = ProgressBar(total: 4, descriptor: secondary)
    bar.update(done: 1, label: "none")
    bar.clear()
    // The kernel may hand over what two calls wrote in two parts.
    var text = ""
    let end = "  none\u{1B}[K\r\u{1B}[K"
    var bytes = [UInt8](repeating: 0, count: 4096)
    var ready = pollfd(fd: primary, events: Int16(POLLIN), revents: 0)
    while !text.hasSuffix(end), poll(&ready, 1, 5000) == 1 {
      let count = bytes.withUnsafeMutableBytes { read(primary, $0.baseAddress!, $0.count) }
      try #require(count > 0)
      text += String(decoding: bytes[..<count], as: UTF8.self)
    }
    #expect(text.hasPrefix("\r[######..................] 1/4, "))
    #expect(text.hasSuffix(end))
    #expect(!text.contains("\n"))
  }

  @Test("the line says how far and how long, and never wraps")
  func line() {
    func line(_ done: Int, skipped: Int = 0, columns: Int = 80) -> String {
      ProgressBar.line(
        done: done, total: 120, columns: columns,
        status: ProgressBar.status(
          done: done, total: 120, skipped: skipped, elapsed: .seconds(100), label: "scan"))
    }
    #expect(line(0) == "[........................] 0/120  scan")
    #expect(line(60) == "[############............] 60/120, 1 min 40 s left  scan")
    #expect(line(60, skipped: 59).contains(", 1 h 40 min left"))
    #expect(line(120) == "[########################] 120/120  scan")
    #expect(line(60, columns: 20).count == 19)
    let none = ProgressBar.status(done: 0, total: 0, skipped: 0, elapsed: .zero, label: "")
    #expect(ProgressBar.line(done: 0, total: 0, columns: 80, status: none) == "[########################] 0/0")
  }
}
