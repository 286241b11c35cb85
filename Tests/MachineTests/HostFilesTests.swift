import Machine
import TestSupport
import Testing

@Suite struct HostFilesTests {
  @Test func filesAreReadBelowTheRootOnly() throws {
    let tree = try FakeTree(["/a/b": " one \ntwo\n", "/a/n": "17\n", "/a/empty": ""])
    tree.read { files in
      #expect(files.text("/a/b") == " one \ntwo\n")
      #expect(files.line("/a/b") == "one")
      #expect(files.integer("/a/n") == 17)
      #expect(files.entries("/a") == ["b", "empty", "n"])
      #expect(HostFiles(root: files.root + "/").line("/a/b") == "one")
    }
  }

  @Test func whatIsNotThereIsNil() throws {
    let tree = try FakeTree(["/a/b": "one\n", "/a/empty": ""])
    tree.read { files in
      #expect(files.text("/proc/cpuinfo") == nil)
      #expect(files.text("/a") == nil)
      #expect(files.line("/a/empty") == nil)
      #expect(files.integer("/a/b") == nil)
      #expect(files.entries("/nowhere") == nil)
    }
  }

  @Test func filesOfUnknownSizeAreReadWhole() throws {
    let text = String(repeating: "0123456789abcdef\n", count: 5000)
    #expect(try FakeTree(["/long": text]).read { $0.text("/long") } == text)
    #expect(HostFiles().text("/proc/self/status")?.contains("Cpus_allowed_list") == true)
  }
}
