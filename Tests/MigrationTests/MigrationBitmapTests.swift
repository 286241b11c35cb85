import GuestMemory
import Migration
import Testing

/// The bitmap against a set of numbers.
@Suite struct MigrationBitmapTests {
  @Test(arguments: [1, 63, 64, 65, 128, 1000]) func allSetIsEachOnce(units: Int) {
    let bitmap = MigrationBitmap(units: units, allSet: true)
    #expect(bitmap.count == units)
    #expect(setBits(bitmap) == Array(0..<units))
    #expect(setBits(MigrationBitmap(units: units, allSet: false)).isEmpty)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func doesWhatASetDoes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed, stream: 0)
    let units = Int.random(in: 1...300, using: &generator)
    var bitmap = MigrationBitmap(units: units, allSet: seed % 2 == 0)
    var log = MigrationBitmap(units: units, allSet: false)
    var model = Set(seed % 2 == 0 ? Array(0..<units) : [])
    var logged: Set<Int> = []
    for _ in 0..<500 {
      let unit = Int.random(in: 0..<units, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: #expect(bitmap.set(unit) == model.insert(unit).inserted)
      case 1:
        log.set(unit)
        logged.insert(unit)
      case 2:
        let range = unit..<Int.random(in: unit...units, using: &generator)
        #expect(bitmap.clear(range) == model.intersection(range).count, "seed \(seed): \(range)")
        model.subtract(range)
      case 3:
        let range = unit..<Int.random(in: unit...min(unit + 90, units), using: &generator)
        #expect(bitmap.set(range) == Set(range).subtracting(model).count, "seed \(seed): \(range)")
        model.formUnion(range)
      default:
        #expect(bitmap.take(&log) == logged.subtracting(model).count)
        model.formUnion(logged)
        logged = []
        #expect(log.count == 0 && setBits(log).isEmpty)
      }
      #expect(bitmap.count == model.count && bitmap[unit] == model.contains(unit), "seed \(seed)")
    }
    #expect(setBits(bitmap) == model.sorted(), "seed \(seed)")
  }

  @Test func aHintClearsOnlyUnitsThatLieWhollyInItsBlock() {
    func cleared(_ pfn: UInt64, _ order: Int) -> [Int] {
      var bitmap = MigrationBitmap(units: 100, unitOrder: 3, allSet: true)
      let count = bitmap.clear(Block(pfn: pfn, order: order))
      let gone = (0..<100).filter { !bitmap[$0] }
      #expect(count == gone.count)
      return gone
    }
    #expect(cleared(16, 4) == [2, 3])
    #expect(cleared(16, 3) == [2])
    #expect(cleared(16, 2).isEmpty)
    #expect(cleared(20, 2).isEmpty)
    #expect(cleared(768, 6) == [96, 97, 98, 99], "what lies behind the end is passed over")
    #expect(cleared(1 << 40, 4).isEmpty)
    #expect(cleared(0, 10) == Array(0..<100))
  }

  @Test func theLastUnitMayHoldAPartOnly() {
    #expect(MigrationBitmap(pages: 4096, unitOrder: 9, allSet: true).count == 8)
    #expect(MigrationBitmap(pages: 4097, unitOrder: 9, allSet: true).count == 9)
    #expect(MigrationBitmap(pages: 0, unitOrder: 9, allSet: false).units == 1)
  }

  @Test(arguments: [(256, 0, 0), (257, 0, 9), (8, 9, 9), (4096, 10, 10), (256, 3, 3)])
  func aUnitIsAPageUpTo256GiB(gibibytes: UInt64, granuleOrder: Int, unitOrder: Int) {
    #expect(MigrationBitmap.unitOrder(guestBytes: gibibytes << 30, granuleOrder: granuleOrder) == unitOrder)
  }

  private func setBits(_ bitmap: MigrationBitmap) -> [Int] {
    Array(
      sequence(state: 0) { unit in
        let next = bitmap.next(from: unit)
        unit = (next ?? bitmap.units) + 1
        return next
      })
  }
}
