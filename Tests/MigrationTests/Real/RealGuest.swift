import Foundation
import GuestMemory
import Testing

@testable import Migration

/// A small guest with real memory for migrations: what isn't free is written, and so is what is free unless nobody has
/// used it.
final class RealGuest {
  let guest: Guest
  let ram: GuestRAM
  let memory: MigrationBitmap
  /// Pages in use, lowest first, and blocks that are free.
  let used: [Int]
  let free: [Block]
  private(set) var inUse: MigrationBitmap
  private var version: UInt64 = 1

  /// 128 MiB, half of it free.
  init(freeIsZero: Bool, seed: UInt64 = 7) throws {
    guest = try Guest(.standard(bytes: 128 << 20, nodes: 1, cpus: 2))
    try guest.age(Aging(freeFraction: 0.5), seed: seed)
    free = guest.freeBlocks()
    let end = Int(guest.core.zones.map(\.endPFN).max() ?? 0)
    ram = try GuestRAM(pages: end)
    var memory = MigrationBitmap(units: end, allSet: false)
    for zone in guest.core.zones { memory.set(Int(zone.startPFN)..<Int(zone.endPFN)) }
    self.memory = memory
    inUse = memory
    for block in free { inUse.clear(Int(block.pfn)..<Int(block.end)) }
    used = Self.pages(inUse)
    for page in used { ram.write(page, version: 0) }
    if !freeIsZero { for block in free { ram.write(block, version: 0) } }
  }

  var freePages: Int { memory.count - used.count }

  /// A user writes a page that it has, or takes.
  func write(_ page: Int) {
    ram.write(page, version: version)
    version += 1
    inUse.set(page)
  }

  func take(_ block: Block) { for page in Int(block.pfn)..<Int(block.end) { write(page) } }

  func giveBack(_ block: Block) { inUse.clear(Int(block.pfn)..<Int(block.end)) }

  static func pages(_ bitmap: MigrationBitmap) -> [Int] {
    var pages: [Int] = []
    var page = 0
    while let next = bitmap.next(from: page) {
      pages.append(next)
      page = next + 1
    }
    return pages
  }

  /// The program that destinations are: it lies beside these tests.
  static let program: [String] = {
    let running = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    for place in [running, CommandLine.arguments.first ?? "", Bundle.main.executablePath ?? ""] {
      let candidate = URL(fileURLWithPath: place).deletingLastPathComponent().appendingPathComponent("hintbench").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return [candidate] }
    }
    fatalError("no hintbench beside these tests")
  }()

  func destination() throws -> Destination { try Destination(ram, program: Self.program) }

  /// A whole migration of it. `log`: what is put around the kernel's log; `change` sets what the guest does.
  func migrate<Log: DirtyLog>(
    _ log: (WriteProtectLog) -> Log, _ bitmap: HintedBitmap? = nil, downtimeLimit: Double = 1e6, roundLimit: Int = 100,
    bandwidth: Double = .infinity, time: RealPrecopy<Log>.Time = .machine,
    _ change: (inout RealPrecopy<Log>.GuestControl) -> Void = { _ in }
  ) throws -> PrecopyResult {
    var control = RealPrecopy<Log>.GuestControl { self.inUse }
    change(&control)
    var migration = RealPrecopy(
      ram, bitmap ?? HintedBitmap(memory), log(try WriteProtectLog(ram)), to: try destination(),
      limits: Precopy(downtimeLimit: downtimeLimit, roundLimit: roundLimit), bandwidth: bandwidth, seed: 99, time: time,
      guest: control)
    let result = try migration.run()
    #expect(migration.syncs.count == result.rounds)
    return result
  }

  func migrate(
    _ bitmap: HintedBitmap? = nil, downtimeLimit: Double = 1e6, roundLimit: Int = 100, bandwidth: Double = .infinity,
    time: RealPrecopy<WriteProtectLog>.Time = .machine,
    _ change: (inout RealPrecopy<WriteProtectLog>.GuestControl) -> Void = { _ in }
  ) throws -> PrecopyResult {
    try migrate(
      { $0 }, bitmap, downtimeLimit: downtimeLimit, roundLimit: roundLimit, bandwidth: bandwidth, time: time, change)
  }
}

extension Trait where Self == ConditionTrait {
  /// Only where the kernel keeps a log of written pages.
  static var needsDirtyLog: Self {
    .enabled("\(WriteProtectLog.refusal.map { "\($0)" } ?? "")") { WriteProtectLog.refusal == nil }
  }
}
