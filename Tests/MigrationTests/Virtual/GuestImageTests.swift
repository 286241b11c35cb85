import GuestMemory
import Migration
import Testing

@Suite struct GuestImageTests {
  private func guest() throws -> Guest {
    let guest = try Guest(.standard(bytes: 256 << 20, nodes: 1, cpus: 2))
    try guest.age(Aging(freeFraction: 0.5), seed: 3)
    return guest
  }

  @Test(arguments: [0, 3, 9]) func whatIsFreeIsNotFilledWhereNobodyUsedIt(unitOrder: Int) throws {
    let guest = try guest()
    let fresh = GuestImage(guest, unitOrder: unitOrder, freeIsZero: true)
    let used = GuestImage(guest, unitOrder: unitOrder, freeIsZero: false)
    let free = guest.freeBlocks().reduce(0) { $0 + Int($1.pages) }
    func filled(_ image: GuestImage) -> Int { (0..<image.units).reduce(0) { $0 + image.filledPages($1) } }
    #expect(filled(used) - filled(fresh) == free)
    #expect(filled(used) == guest.core.zones.reduce(0) { $0 + Int($1.endPFN - $1.startPFN) })
    #expect(fresh.memory.count == used.memory.count && fresh.log.count == 0)
  }

  @Test func whatIsWrittenIsInTheLogUntilTheSync() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: true)
    let block = try #require(guest.freeBlocks(fromOrder: 3).first { $0.order == 3 })
    var bitmap = MigrationBitmap(units: image.units, allSet: false)
    image.take(block)
    image.rewrite(block)
    #expect(image.log.count == 8 && image.filledPages(Int(block.pfn)) == 1)
    image.sync(into: &bitmap)
    #expect(bitmap.count == 8 && image.log.count == 0 && bitmap[Int(block.end) - 1] && !bitmap[Int(block.end)])
    image.giveBack(block)
    #expect(image.log.count == 0, "giving back writes nothing")
    image.zero(block)
    #expect(image.log.count == 8 && image.filledPages(Int(block.pfn)) == 0)
  }

  @Test func onlyWhatSomebodyHasAndTheDestinationLacksIsLost() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: false)
    let block = try #require(guest.freeBlocks(fromOrder: 0).first { $0.order == 0 })
    for unit in 0..<image.units where unit != Int(block.pfn) { image.copy(unit) }
    #expect(image.firstLoss == nil, "a free page isn't lost")
    image.take(block)
    #expect(image.firstLoss?.unit == Int(block.pfn))
    image.copy(Int(block.pfn))
    #expect(image.firstLoss == nil)
    image.rewrite(block)
    #expect(image.firstLoss?.unit == Int(block.pfn))
    image.giveBack(block)
    #expect(image.firstLoss == nil)
  }
}
