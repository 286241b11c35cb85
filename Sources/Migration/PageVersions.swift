/// What every unit of a guest's memory holds, here and at the destination: a number that each write counts up.
///
/// The oracle of a migration in virtual time: at switch-over every unit that isn't free has to hold at the destination
/// what it holds here. What the bitmap and the log say isn't asked.
public struct PageVersions: Sendable {
  /// What a page holds that nobody has written: zeroes.
  public static let zero: UInt32 = 0

  private var here: [UInt32]
  private var there: [UInt32]

  /// Neither side was written.
  public init(units: Int) {
    here = [UInt32](repeating: Self.zero, count: units)
    there = here
  }

  public var units: Int { here.count }

  /// The guest writes what it hasn't written there before.
  public mutating func write(_ unit: Int) { here[unit] &+= 1 }

  /// The guest writes something known, as a kernel that poisons what it frees does.
  public mutating func set(_ unit: Int, _ version: UInt32) { here[unit] = version }

  /// What the unit holds goes to the destination.
  public mutating func copy(_ unit: Int) { there[unit] = here[unit] }

  /// A unit that the destination lacks.
  public struct Loss: Error, Equatable, Sendable, CustomStringConvertible {
    public var unit: Int
    /// What it holds here and there.
    public var here: UInt32
    public var there: UInt32

    public var description: String {
      "unit \(unit) is lost: the destination has version \(there), the guest wrote version \(here)"
    }
  }

  /// The first unit that matters and differs; nil if none is lost. O(units).
  public func firstLoss(where matters: (Int) -> Bool) -> Loss? {
    for unit in here.indices where here[unit] != there[unit] && matters(unit) {
      return Loss(unit: unit, here: here[unit], there: there[unit])
    }
    return nil
  }
}
