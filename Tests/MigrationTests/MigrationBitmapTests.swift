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

  private func setBits(_ bitmap: MigrationBitmap) -> [Int] {
    Array(
      sequence(state: 0) { unit in
        let next = bitmap.next(from: unit)
        unit = (next ?? bitmap.units) + 1
        return next
      })
  }
}
