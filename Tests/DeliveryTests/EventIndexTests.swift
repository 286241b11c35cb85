import Delivery
import Testing

@Suite struct EventIndexTests {
  /// Steps from `old` to `new` one entry at a time: the rule said in words.
  private func crosses(event: UInt16, new: UInt16, old: UInt16) -> Bool {
    var index = old
    while index != new {
      if index == event { return true }
      index &+= 1
    }
    return false
  }

  /// What one gets without the wrap-around in mind: must be told apart by the cases below.
  private func crossesWithoutWrapping(event: UInt16, new: UInt16, old: UInt16) -> Bool { old <= event && event < new }

  /// Around the wrap-around and the middle, every event near by.
  @Test func theRuleIsCrossingTheEventAlsoAtTheWrapAround() {
    var wrong: [String] = []
    var naiveDiffers = 0
    for start: UInt16 in [0, 1, 2, 127, 32766, 32767, 32768, 65400, 65533, 65534, 65535] {
      for span: UInt16 in [0, 1, 2, 3, 31, 32, 127, 128, 200] {
        let new = start &+ span
        for offset in -300...300 {
          let event = start &+ UInt16(truncatingIfNeeded: offset)
          let expected = crosses(event: event, new: new, old: start)
          if EventIndex.isDue(event: event, new: new, old: start) != expected {
            wrong.append("event \(event), new \(new), old \(start)")
          }
          if crossesWithoutWrapping(event: event, new: new, old: start) != expected { naiveDiffers += 1 }
        }
      }
    }
    #expect(wrong.isEmpty)
    #expect(naiveDiffers > 0, "the cases don't reach the wrap-around")
  }

  /// Every event there is, for a few spans.
  @Test(arguments: [0, 1, 128, 32768, 65534, 65535] as [UInt16], [0, 77, 65500] as [UInt16])
  func asManyEventsAreDueAsEntriesWereCrossed(span: UInt16, old: UInt16) {
    var due = 0
    for event in UInt16.min...UInt16.max where EventIndex.isDue(event: event, new: old &+ span, old: old) { due += 1 }
    #expect(due == Int(span))
  }
}
