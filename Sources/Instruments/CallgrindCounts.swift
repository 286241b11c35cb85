/// Reads callgrind's output file (`--combine-dumps=yes`): counts by the name under which they were requested.
///
/// The format is "Callgrind Format Specification" in valgrind's manual: parts that each name their trigger, their
/// events and, last, the totals of those. Trailing zeros of a line of counts may be missing.
enum CallgrindCounts {
  static func parse(_ text: String) -> [String: CounterReading] {
    var readings: [String: CounterReading] = [:]
    var name: String?
    var events: [Substring] = []
    for line in text.split(separator: "\n") {
      if let trigger = line.after("desc: Trigger: ") {
        name = trigger.after("Client Request: ").map(String.init)
      } else if let names = line.after("events: ") {
        events = names.split(separator: " ")
      } else if let totals = line.after("totals: "), let part = name {
        let counts = totals.split(separator: " ").map { UInt64($0) }
        readings[part] = reading(events, counts)
        name = nil
      }
    }
    return readings
  }

  /// Ir: instructions; D1mr and D1mw: reads and writes that missed the first level; DLmr and DLmw: the last.
  private static func reading(_ events: [Substring], _ counts: [UInt64?]) -> CounterReading {
    func count(_ names: Substring...) -> UInt64? {
      var sum: UInt64 = 0
      for name in names {
        guard let index = events.firstIndex(of: name) else { return nil }
        guard index < counts.count else { continue }
        guard let count = counts[index] else { return nil }
        sum += count
      }
      return sum
    }
    var reading = CounterReading()
    reading.instructions = count("Ir")
    reading.l1dMisses = count("D1mr", "D1mw")
    reading.llcMisses = count("DLmr", "DLmw")
    return reading
  }
}

extension Substring {
  /// The text after a prefix; nil if this doesn't begin with it.
  fileprivate func after(_ beginning: String) -> Substring? {
    hasPrefix(beginning) ? dropFirst(beginning.count) : nil
  }
}
