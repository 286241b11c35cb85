import Foundation
import Testing

@testable import GuestMemory

/// The profiles of `--state aged:NAME`, held against the lists of a real kernel that they reproduce.
@Suite struct AgingProfileTests {
  /// What `hintbench kernel lists` read: the shares of free memory, and the shares of next pointers up and down.
  private struct Seen {
    var shares = [Double](repeating: 0, count: 11)
    var up = 0.0
    var down = 0.0
  }

  private static func seen(_ workload: String) throws -> Seen {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let text = try String(contentsOfFile: root + "/Reports/sample-kernel/lists-6.1.csv", encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    let header = try #require(lines.first)
    func column(_ name: String) throws -> Int { try #require(header.firstIndex(of: name[...])) }
    let (order, share) = (try column("order"), try column("free_share"))
    var seen = Seen()
    for line in lines.dropFirst() where line[try column("workload")] == workload {
      let number = try #require(Int(line[order]))
      seen.shares[number] = try #require(Double(line[share]))
      guard number == 10 else { continue }
      seen.up = try #require(Double(line[try column("up_share")]))
      seen.down = try #require(Double(line[try column("down_share")]))
    }
    return seen
  }

  private func aged(_ profile: AgingProfile, gib: Double = 16, granule: Int = 0, free: Double = 0.5) throws -> Guest {
    let guest = try Guest(.small(gib: gib, granuleOrder: granule))
    try guest.age(Aging(freeFraction: free, profile: profile), seed: 1)
    return guest
  }

  @Test(arguments: AgingProfile.all) func theListsAreLikeTheKernels(profile: AgingProfile) throws {
    let seen = try Self.seen(profile.name)
    #expect(seen.shares.reduce(0, +) > 0.99)
    let guest = try aged(profile)
    #expect(guest.validate().isEmpty)
    let census = guest.census()
    for (order, blocks) in census.blocksByOrder.enumerated() {
      let share = Double(blocks << UInt64(order)) / Double(census.freePages)
      #expect(abs(share - seen.shares[order]) < 0.01, "order \(order): \(share), \(seen.shares[order])")
    }
    let shape = try #require(guest.snapshot?.shape(ofOrder: 10))
    let (up, down) = (try #require(shape.upShare), try #require(shape.downShare))
    #expect(abs(up - seen.up) < 0.04 && abs(down - seen.down) < 0.04, "\(up) \(seen.up), \(down) \(seen.down)")
  }

  /// What the default is called typical by: its lists are as far from sequential as a server's.
  @Test func theDefaultStateWalksAsAServerDoes() throws {
    let seen = try Self.seen("server")
    let guest = try Guest(.small(gib: 16))
    try guest.age(Aging(), seed: 1)
    let shape = try #require(guest.snapshot?.shape(ofOrder: 10))
    let followed = Double(shape.up + shape.down) / Double(shape.pointers)
    #expect(abs(followed - seen.up - seen.down) < 0.1, "\(followed)")
  }

  @Test(arguments: AgingProfile.all, [0, 3, 9]) func theFreeShareIsWhatWasAsked(
    profile: AgingProfile, granule: Int
  ) throws {
    for free in [0.05, 0.3, 0.6] {
      let guest = try aged(profile, gib: 4.5, granule: granule, free: free)
      #expect(abs(guest.census().freeFraction - free) < 0.005, "\(free)")
      #expect(guest.validate().isEmpty)
    }
  }

  @Test(arguments: Seeds.list) func aSeedDecidesEverything(seed: UInt64) throws {
    func lists(_ seed: UInt64) throws -> [[UInt64]] {
      let guest = try Guest(.small(gib: 2))
      try guest.age(Aging(profile: AgingProfile(state: "aged:files")), seed: seed)
      return guest.snapshot?.lists.map(\.pfns) ?? []
    }
    let one = try lists(seed)
    #expect(try lists(seed) == one)
    #expect(try lists(seed &+ 1) != one)
  }

  @Test func aStateThatIsNoProfileIsNone() {
    for text in ["aged", "aged:", "aged:nothing", "files", "fresh:files"] { #expect(AgingProfile(state: text) == nil) }
    for profile in AgingProfile.all { #expect(AgingProfile(state: "aged:\(profile.name)") == profile) }
  }

  @Test func aShareThatIsNoneIsRefused() throws {
    let files = try #require(AgingProfile(state: "aged:files"))
    let other = try Guest(.small(gib: 2))
    #expect(throws: GuestError.self) { try other.age(Aging(freeFraction: 0.99, profile: files), seed: 1) }
    #expect(other.core.freePages == 0)
  }
}
