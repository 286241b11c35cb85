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
  /// Strategies with many lock boundaries are explored beside fewer sections: all of them beside several mutators, the
  /// longest beside one, too.
  var manyGaps = false
  var isLong = false
  /// What the exploration must come to at least under 6.1's rules, with one mutator and with several.
  let one: Extent
  let several: Extent
  /// The same under later kernels' rules.
  let later: (one: Extent, several: Extent)

  /// How much was explored.
  struct Extent: Sendable {
    let interleavings: Double
    let positions: Int

    init(_ interleavings: Double, _ positions: Int) {
      self.interleavings = interleavings
      self.positions = positions
    }
  }

  var description: String {
    ([strategy] + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + [
      "order \(lowestOrder)", "\(shape)",
    ])
    .joined(separator: ":")
  }

  /// Which of its blocks are free. A struct page stands for 256 pages: orders 8 to 10, of which 9 is a pageblock's and
  /// has per-CPU lists.
  enum GuestShape {
    case mixed, large, unmovable

    var byType: [Migratetype: [Int: UInt64]] {
      switch self {
      case .mixed: [.movable: [8: 2, 9: 2, 10: 2], .unmovable: [9: 1]]
      // The small one keeps the zone above its watermark.
      case .large: [.movable: [10: 4], .unmovable: [8: 1]]
      // From the zone's start on: the large blocks are its first six pageblocks.
      case .unmovable: [.movable: [8: 1], .unmovable: [10: 3]]
      }
    }

    func guest(_ kernel: KernelVersion) throws -> Guest {
      try TestGuests.with([.init(blocks: [:], min: 1, byType: byType)], granule: 8, cpus: 5, kernel: kernel)
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
      // Ranges over blocks that may be with the host: either pageblock of a block, then both.
      case .unmovable:
        [.takeRangeAt(pageblock: 1), .freeFirst, .takeRangeAt(pageblock: 2), .takeRangeAt(pageblock: 3)]
      }
    return [Array(sections.prefix(isLong && !Self.isWhole ? 6 : 8))]
  }

  /// Several mutators that take what the others leave: three under 6.1's rules; under later ones two, of which one claims a
  /// pageblock or steals from it, which is new there.
  func severalScripts(_ kernel: KernelVersion) -> [[Section]] {
    if Self.isWhole { return wholeScripts }
    return switch (shape, isLong || manyGaps) {
    case (.unmovable, _):
      [[.takeRangeAt(pageblock: 0)], [.steal(order: 9, for: .movable), .freeLast]]
    case (.mixed, _) where kernel != .linux61:
      [[.take(order: 10, .movable, at: 1), .freeFirst], [.steal(order: 8, for: .unmovable), .freeLast]]
    case (.large, _) where kernel != .linux61:
      [[.take(order: 10, .movable, at: 1), .freeFirst], [.allocate(order: 10, .userMovable), .freeLast]]
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
    case .unmovable:
      [
        [.takeRangeAt(pageblock: 0), .takeRangeAt(pageblock: 1), .freeFirst],
        [.takeRangeAt(pageblock: 3), .freeLast, .freeFirst],
        [.steal(order: 9, for: .movable), .freeLast, .take(order: 10, .unmovable, at: 0)],
      ]
    }
  }

  // MARK: the cases

  /// The cases explored beside several mutators, and under which rules. In these scripts mainline differs from 6.12 only in
  /// the type that a pageblock has after a range.
  static let besideSeveral: [(ScheduleCase, KernelVersion)] = all.flatMap { entry in
    KernelVersion.allCases.filter { isWhole || $0 != .mainline || entry.shape == .unmovable }.map { (entry, $0) }
  }

  static let all: [ScheduleCase] = [
    ScheduleCase(
      strategy: "none", one: Extent(9, 8), several: Extent(650, 87),
      later: (Extent(9, 8), Extent(19, 12))),
    ScheduleCase(
      strategy: "allocator", options: ["pages": "2"], one: Extent(43_758, 169), several: Extent(3_764_066, 1407),
      later: (Extent(43_758, 166), Extent(5851, 120))),
    ScheduleCase(
      strategy: "record-unused-pages", lowestOrder: 8, looksUnlocked: false, one: Extent(495, 62),
      several: Extent(52_893, 917),
      later: (Extent(495, 65), Extent(379, 107))),
    ScheduleCase(
      strategy: "budgeted-resume", options: ["budget": "1", "restarts": "0"], manyGaps: true, one: Extent(63_609, 167),
      several: Extent(39_591, 757),
      later: (Extent(76_114, 184), Extent(8928, 423))),
    ScheduleCase(
      strategy: "step-iterator", options: ["restarts": "2"], manyGaps: true, one: Extent(64_341, 194),
      several: Extent(53_935, 959),
      later: (Extent(76_846, 209), Extent(9726, 501))),
    ScheduleCase(
      strategy: "walk-callback", lowestOrder: 10, looksUnlocked: false, one: Extent(3003, 63),
      several: Extent(305_520, 854),
      later: (Extent(3003, 62), Extent(1189, 131))),
    ScheduleCase(
      strategy: "free-list-fixed-buffer", lowestOrder: 8, looksUnlocked: false, one: Extent(495, 70),
      several: Extent(52_893, 1087),
      later: (Extent(495, 74), Extent(379, 126))),
    ScheduleCase(
      strategy: "free-list-proportional-buffer", manyGaps: true, one: Extent(43_758, 132), several: Extent(85_941, 598),
      later: (Extent(43_758, 169), Extent(5851, 319))),
    ScheduleCase(
      strategy: "free-list-multi-buffer", manyGaps: true, one: Extent(43_758, 160), several: Extent(85_329, 827),
      later: (Extent(43_758, 210), Extent(5611, 316))),
    ScheduleCase(
      strategy: "pluck-buffer", one: Extent(3003, 63), several: Extent(297_606, 1003),
      later: (Extent(3003, 69), Extent(1117, 134))),
    ScheduleCase(
      strategy: "alloc-max-order", manyGaps: true, one: Extent(125_970, 126), several: Extent(138_618, 607),
      later: (Extent(114_700, 239), Extent(5873, 302))),
    ScheduleCase(
      strategy: "bitmap-hinting", options: ["capacity": "2"], manyGaps: true, one: Extent(2_475_362, 618),
      several: Extent(740_731, 2568),
      later: (Extent(2_424_536, 748), Extent(50_120, 933))),
    ScheduleCase(
      strategy: "bitmap-hinting", options: ["capacity": "2", "clear": "locked"], lowestOrder: 10, shape: .large,
      isLong: true, one: Extent(41_375, 941), several: Extent(39_439, 1704),
      later: (Extent(41_375, 830), Extent(20_308, 1017))),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "2"], manyGaps: true, one: Extent(120_678, 525),
      several: Extent(88_135, 1715),
      later: (Extent(147_417, 392), Extent(9640, 529))),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "3"], shape: .large, one: Extent(15_245, 291),
      several: Extent(28_156, 971),
      later: (Extent(15_245, 291), Extent(2404, 228))),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "2"], lowestOrder: 8, isLong: true,
      one: Extent(48_223, 648), several: Extent(34_174, 1073),
      later: (Extent(46_387, 386), Extent(29_086, 987))),
    ScheduleCase(
      strategy: "page-reporting-boundary", options: ["capacity": "2"], shape: .unmovable, one: Extent(715, 72),
      several: Extent(649, 108),
      later: (Extent(715, 63), Extent(613, 95))),
    ScheduleCase(
      strategy: "bitmap-hinting", options: ["capacity": "2"], shape: .unmovable, one: Extent(2492, 204),
      several: Extent(1731, 206),
      later: (Extent(3021, 164), Extent(1263, 210))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "2"], shape: .unmovable, one: Extent(7279, 547),
      several: Extent(1821, 250),
      later: (Extent(7279, 451), Extent(1603, 323))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "2"], lowestOrder: 10, manyGaps: true, one: Extent(3084, 84),
      several: Extent(21_836, 507),
      later: (Extent(9992, 105), Extent(2383, 267))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "3"], isLong: true, one: Extent(303_666, 1323),
      several: Extent(36_885, 915),
      later: (Extent(99_365, 552), Extent(32_516, 832))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "2", "skip": "1", "take": "1"], lowestOrder: 10, manyGaps: true,
      isLong: true,
      one: Extent(7888, 80), several: Extent(10_802, 302), later: (Extent(7884, 71), Extent(6188, 401))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "3", "take": "2", "buffers": "individual"], lowestOrder: 10,
      shape: .large, one: Extent(2_077_314, 6413), several: Extent(369_050, 7046),
      later: (Extent(2_077_314, 5979), Extent(18_090, 1165))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "3", "keep-reported": "on"], isLong: true,
      one: Extent(430_289, 1388), several: Extent(58_746, 1036), later: (Extent(152_420, 595), Extent(49_056, 905))),
    ScheduleCase(
      strategy: "page-reporting", options: ["capacity": "3", "keep-reported": "notice"], isLong: true,
      one: Extent(430_289, 1388), several: Extent(58_746, 1096), later: (Extent(156_428, 605), Extent(49_251, 908))),
    ScheduleCase(
      strategy: "rotating-cursor", options: ["batch": "1"], lowestOrder: 9, manyGaps: true, one: Extent(63_609, 160),
      several: Extent(38_145, 833), later: (Extent(76_114, 190), Extent(8859, 497))),
    ScheduleCase(
      strategy: "rotating-cursor", options: ["batch": "2"], lowestOrder: 8, looksUnlocked: false, manyGaps: true,
      one: Extent(1231, 81), several: Extent(5197, 297), later: (Extent(1528, 92), Extent(946, 179))),
    ScheduleCase(
      strategy: "pfn-scan", lowestOrder: 8, one: Extent(9, 8), several: Extent(650, 87),
      later: (Extent(9, 8), Extent(19, 12))),
    ScheduleCase(
      strategy: "adaptive", options: ["dense": "101", "hold": "1000000"], lowestOrder: 9, manyGaps: true,
      one: Extent(6360, 106), several: Extent(14_974, 366), later: (Extent(6279, 101), Extent(1886, 198))),
    ScheduleCase(
      strategy: "block-map", lowestOrder: 9, one: Extent(9, 8), several: Extent(650, 87),
      later: (Extent(9, 8), Extent(19, 12))),
    ScheduleCase(
      strategy: "block-map-reporting", options: ["capacity": "2", "take": "1"], lowestOrder: 9, manyGaps: true,
      isLong: true, one: Extent(2_105_606, 963), several: Extent(361_636, 2900),
      later: (Extent(2_871_115, 927), Extent(353_495, 1992))),
    ScheduleCase(
      strategy: "block-map-reporting", options: ["capacity": "3", "take": "2"], lowestOrder: 8, isLong: true,
      one: Extent(12_438_151, 2109), several: Extent(1_803_303, 5904),
      later: (Extent(17_944_798, 2181), Extent(1_333_343, 3983))),
    ScheduleCase(
      strategy: "block-map-reporting", options: ["capacity": "2", "take": "2"], lowestOrder: 10, shape: .large,
      isLong: true, one: Extent(72_346, 1203), several: Extent(20_493, 1694),
      later: (Extent(72_346, 1142), Extent(13_543, 928))),
    ScheduleCase(
      strategy: "block-map-reporting", options: ["capacity": "2"], shape: .unmovable, one: Extent(11_899, 407),
      several: Extent(3993, 313), later: (Extent(11_899, 305), Extent(4261, 409))),
  ]
}
