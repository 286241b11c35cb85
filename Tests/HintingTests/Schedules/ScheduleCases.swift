import Foundation

@testable import GuestMemory
@testable import Hinting

/// Which strategies are explored, and beside what.
struct ScheduleCase: Sendable, CustomStringConvertible {
  let strategy: String
  var options: [String: String] = [:]
  var lowestOrder = 9
  /// See ``Scheduler``.
  var looksUnlocked = true
  var shape = GuestShape.mixed
  /// Strategies with many lock boundaries are explored beside fewer sections: all of them beside three mutators, the
  /// longest beside one, too.
  var manyGaps = false
  var isLong = false
  /// What the exploration must come to at least, with one mutator and with three: interleavings, and positions.
  let one: (interleavings: Double, positions: Int)
  let three: (interleavings: Double, positions: Int)

  var description: String {
    ([strategy] + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + ["order \(lowestOrder)"])
      .joined(separator: ":")
  }

  /// Which of its blocks are free. A struct page stands for 256 pages: orders 8 to 10, of which 9 is a pageblock's and
  /// has per-CPU lists.
  enum GuestShape {
    case mixed, large

    var byType: [Migratetype: [Int: UInt64]] {
      switch self {
      case .mixed: [.movable: [8: 2, 9: 2, 10: 2], .unmovable: [9: 1]]
      // The small one keeps the zone above its watermark.
      case .large: [.movable: [10: 4], .unmovable: [8: 1]]
      }
    }

    func guest() throws -> Guest {
      try TestGuests.with([.init(blocks: [:], min: 1, byType: byType)], granule: 8, cpus: 5)
    }
  }

  // MARK: what runs beside it

  /// HINTBENCH_SCHEDULES=whole: eight sections beside one mutator and three beside each of three in every case, which
  /// takes longer than a suite should.
  static let isWhole = ProcessInfo.processInfo.environment["HINTBENCH_SCHEDULES"] == "whole"

  /// One mutator: through a per-CPU list and back, a split and its merge, a steal, a range.
  var oneScript: [[Section]] {
    let sections: [Section] =
      switch shape {
      case .mixed:
        [
          .allocate(order: 9, .userMovable), .freeLast, .drain, .allocate(order: 8, .userMovable),
          .steal(order: 8, for: .unmovable), .freeLast, .takeRange(order: 9, .movable), .freeFirst,
        ]
      case .large:
        [
          .take(order: 10, .movable, at: 1), .allocate(order: 10, .userMovable), .freeFirst, .freeLast,
          .take(order: 10, .movable, at: 2), .freeLast, .take(order: 10, .movable, at: 0), .freeFirst,
        ]
      }
    return [Array(sections.prefix(isLong && !Self.isWhole ? 6 : 8))]
  }

  /// Three mutators that take what the others leave.
  var threeScripts: [[Section]] {
    if Self.isWhole { return wholeScripts }
    return switch (shape, isLong || manyGaps) {
    case (.mixed, false):
      [
        [.allocate(order: 9, .userMovable), .freeLast, .drain],
        [.take(order: 10, .movable, at: 1), .freeFirst],
        [.takeRange(order: 9, .movable), .freeLast],
      ]
    case (.mixed, true):
      [
        [.allocate(order: 9, .userMovable)] + (isLong ? [] : [.drain]),
        [.take(order: 10, .movable, at: 1), .freeFirst], [.takeRange(order: 9, .movable)],
      ]
    case (.large, _):
      [
        [.take(order: 10, .movable, at: 1), .freeFirst],
        [.allocate(order: 10, .userMovable)] + (isLong ? [] : [.freeLast]), [.take(order: 10, .movable, at: 2)],
      ]
    }
  }

  private var wholeScripts: [[Section]] {
    switch shape {
    case .mixed:
      [
        [.allocate(order: 9, .userMovable), .freeLast, .drain],
        [.take(order: 10, .movable, at: 1), .freeFirst, .allocate(order: 8, .userMovable)],
        [.takeRange(order: 9, .movable), .freeLast, .steal(order: 8, for: .unmovable)],
      ]
    case .large:
      [
        [.take(order: 10, .movable, at: 1), .freeFirst, .take(order: 10, .movable, at: 0)],
        [.allocate(order: 10, .userMovable), .freeLast, .allocate(order: 10, .userMovable)],
        [.take(order: 10, .movable, at: 2), .freeFirst, .drain],
      ]
    }
  }

  // MARK: the cases

  static let all: [ScheduleCase] = [
    ScheduleCase(
      strategy: "none", one: (9, 8),
      three: (650, 87)),
    ScheduleCase(
      strategy: "allocator", options: ["pages": "2"], one: (43_758, 169), three: (3_764_066, 1407)),
    ScheduleCase(
      strategy: "record-unused-pages", lowestOrder: 8, looksUnlocked: false, one: (495, 62),
      three: (52_893, 917)),
    ScheduleCase(
      strategy: "budgeted-resume", options: ["budget": "1", "restarts": "0"], manyGaps: true, one: (63_609, 167),
      three: (39_591, 757)),
    ScheduleCase(
      strategy: "step-iterator", options: ["restarts": "2"], manyGaps: true, one: (64_341, 194),
      three: (53_935, 959)),
    ScheduleCase(
      strategy: "walk-callback", lowestOrder: 10, looksUnlocked: false, one: (3003, 63),
      three: (305_520, 854)),
    ScheduleCase(
      strategy: "free-list-fixed-buffer", lowestOrder: 8, looksUnlocked: false, one: (495, 70),
      three: (52_893, 1087)),
    ScheduleCase(
      strategy: "free-list-proportional-buffer", manyGaps: true, one: (43_758, 132),
      three: (85_941, 598)),
    ScheduleCase(
      strategy: "free-list-multi-buffer", manyGaps: true, one: (43_758, 160),
      three: (85_329, 827)),
    ScheduleCase(
      strategy: "pluck-buffer", one: (3003, 63),
      three: (297_606, 1003)),
    ScheduleCase(
      strategy: "alloc-max-order", manyGaps: true, one: (125_970, 126),
      three: (138_618, 607)),
    ScheduleCase(
      strategy: "bitmap-hinting", options: ["capacity": "2"], manyGaps: true, one: (2_475_362, 618),
      three: (740_731, 2568)),
    ScheduleCase(
      strategy: "bitmap-hinting", options: ["capacity": "2", "clear": "locked"], lowestOrder: 10, shape: .large,
      isLong: true, one: (41_375, 941),
      three: (39_439, 1704)),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "2"], manyGaps: true, one: (120_678, 525),
      three: (88_135, 1715)),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "3"], shape: .large, one: (15_245, 291),
      three: (28_156, 971)),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "2"], lowestOrder: 10, manyGaps: true, one: (3084, 84),
      three: (21_836, 507)),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "3"], isLong: true, one: (303_666, 1323),
      three: (36_885, 915)),
  ]
}
