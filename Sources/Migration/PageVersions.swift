/// The content of every unit of a guest's memory, at the source and at the destination, as a number that each write
/// increments.
///
/// The oracle of a migration in virtual time: at switch-over every unit that isn't free must have the same version on
/// both sides. It doesn't consult the bitmap or the log.
public struct PageVersions: Sendable {
  /// The version of a page that was never written: zeroes.
  public static let zero: UInt32 = 0

  private var here: [UInt32]
  private var there: [UInt32]

  /// Creates versions with neither side written.
  public init(units: Int) {
    here = [UInt32](repeating: Self.zero, count: units)
    there = here
  }

  public var units: Int { here.count }

  /// Writes new content to a unit.
  public mutating func write(_ unit: Int) { here[unit] &+= 1 }

  /// Writes known content to a unit, as a kernel that poisons freed pages does.
  public mutating func set(_ unit: Int, _ version: UInt32) { here[unit] = version }

  /// Copies the unit to the destination.
  public mutating func copy(_ unit: Int) { there[unit] = here[unit] }

  /// Forgets what the destination has of a unit.
  public mutating func discard(_ unit: Int) { there[unit] = Self.zero }

  /// Whether both sides have the unit's content.
  public func agrees(_ unit: Int) -> Bool { here[unit] == there[unit] }

  /// A unit that differs at the destination.
  public struct Loss: Error, Equatable, Sendable, CustomStringConvertible {
    public var unit: Int
    /// The versions at the source and at the destination.
    public var here: UInt32
    public var there: UInt32

    public var description: String {
      "unit \(unit) is lost: the destination has version \(there), the guest wrote version \(here)"
    }
  }

  /// The first unit that matters and differs; nil if there is none. O(units).
  public func firstLoss(where matters: (Int) -> Bool) -> Loss? {
    for unit in here.indices where here[unit] != there[unit] && matters(unit) {
      return Loss(unit: unit, here: here[unit], there: there[unit])
    }
    return nil
  }
}
