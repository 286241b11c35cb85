import CHost
import Glibc
import Instruments
import Machine

/// Measures waking a thread that waits on an eventfd, which is how a virtqueue's kick reaches its host.
enum KickCosts {
  static let writePrimitive = Primitive("eventfd-write", "eventfd write, no waiter", per: "write")
  static let wakingWritePrimitive = Primitive(
    "eventfd-write-waking", "eventfd write that wakes a thread", per: "write")
  static let roundTripPrimitive = Primitive(
    "eventfd-round-trip", "eventfd round trip between two CPUs", per: "round trip")

  static func write(rounds: Int) throws(SystemCallError) -> RungFigure {
    let event = try EventCounter()
    return RungFigure(rounds: rounds, operations: 5_000) { count in
      let begin = CycleClock.begin()
      for _ in 0..<count { event.signal() }
      let end = CycleClock.end()
      return CycleClock.ticks(from: begin, to: end)
    }
  }

  /// Measures round trips between two threads that sleep in read(2) until the other writes. The waking write is timed
  /// within the round trips.
  ///
  /// - Throws: ``LadderError`` if there is no other CPU, ``SystemCallError`` if the system refuses.
  static func wakeUps(rounds: Int, _ host: LadderHost) throws -> (write: RungFigure, roundTrip: RungFigure) {
    let cpu = try host.otherCPU()
    let there = try EventCounter()
    let back = try EventCounter()
    let partner = try Partner(cpu: cpu) {
      there.wait()
      back.signal()
      return 1
    }
    defer { partner.stop { there.signal() } }
    let count = 500
    var writes: [Double] = []
    var roundTrips: [Double] = []
    for _ in 0..<rounds {
      var writing: UInt64 = 0
      var all: UInt64 = 0
      for _ in 0..<count {
        let begin = CycleClock.begin()
        there.signal()
        let written = CycleClock.end()
        back.wait()
        let end = CycleClock.end()
        writing += CycleClock.ticks(from: begin, to: written)
        all += CycleClock.ticks(from: begin, to: end)
      }
      writes.append(CycleClock.nanoseconds(fromTicks: writing) / Double(count))
      roundTrips.append(CycleClock.nanoseconds(fromTicks: all) / Double(count))
    }
    let note = "CPUs \(host.cpus[0]) and \(cpu)"
    return (
      RungFigure(costs: writes, operations: count, note: note),
      RungFigure(costs: roundTrips, operations: count, note: note + "; twice what one way takes")
    )
  }
}
