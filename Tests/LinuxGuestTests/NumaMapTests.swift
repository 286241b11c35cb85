import Testing

@Suite struct NumaMapTests {
  @Test func aPageOnAnotherNodeIsSeen() {
    let map = NumaMap(
      """
      7efcd7000000 default anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4
      7efcd7400000 bind:0 anon=1024 dirty=1024 active=0 N0=1024 kernelpagesize_kB=4
      7efcd7800000 bind:1 anon=1024 dirty=1024 active=0 N0=1 N1=1023 kernelpagesize_kB=4
      7efcd7c00000 bind:2
      """)
    #expect(map.bindings.map(\.node) == [0, 1, 2])
    #expect(map.misplaced.map(\.node) == [1])
    #expect((0..<4).map(map.pages) == [1025, 1023, 0, 0])
  }
}
