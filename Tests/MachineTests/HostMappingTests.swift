import Machine
import TestSupport
import Testing

@Suite struct HostMappingTests {
  @Test func smapsTellsOfTheMappingAroundAnAddress() throws {
    let text = """
      7f0000000000-7f0000200000 rw-p 00000000 00:00 0 [heap]
      Size:               2048 kB
      Anonymous:          2048 kB
      AnonHugePages:      2048 kB
      VmFlags: rd wr mr mw me ac
      7f0000200000-7f0000600000 rw-p 00000000 00:00 0
      Size:               4096 kB
      Anonymous:          4096 kB
      AnonHugePages:         0 kB
      VmFlags: rd wr mr mw me ac hg
      7f0000600000-7f0000700000 r--p 00000000 00:00 0
      Size:               1024 kB

      """
    let tree = try FakeTree(["/proc/self/smaps": text])
    func use(_ address: UInt) -> HugePageUse? {
      tree.read { HugePageUse.ofMapping(around: UnsafeRawPointer(bitPattern: address)!, files: $0) }
    }
    #expect(use(0x7f00_0000_0000) == HugePageUse(anonymousBytes: 2 << 20, hugeBytes: 2 << 20))
    #expect(use(0x7f00_001f_ffff)?.isWhole == true)
    #expect(use(0x7f00_0020_0000) == HugePageUse(anonymousBytes: 4 << 20, hugeBytes: 0))
    #expect(use(0x7f00_0020_0000)?.isWhole == false)
    #expect(use(0x7f00_0060_0000) == nil)
    #expect(use(0x1000) == nil)
    #expect(try FakeTree().read { HugePageUse.ofMapping(around: UnsafeRawPointer(bitPattern: 1)!, files: $0) } == nil)
  }

  /// The real kernel: small pages aren't huge, and what is touched is there.
  @Test func aMappingOfSmallPagesHasNoHugeOnes() throws {
    let mapping = try HostMapping(bytes: 4 << 20, page: .small)
    mapping.touch()
    let use = try #require(HugePageUse.ofMapping(around: mapping.base))
    #expect(use.hugeBytes == 0 && !use.isWhole)
    #expect(use.anonymousBytes >= 4 << 20)
  }
}
