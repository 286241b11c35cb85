import Hinting
import Instruments
import Machine
import Records

/// The host's action on a hinted block.
enum HostAction: Hashable, Sendable {
  /// No action: measures delivery alone.
  case none
  /// Clears the block's bits in a migration bitmap.
  case bitmap
  /// Discards the block's anonymous memory, in pages of this size: MADV_DONTNEED.
  case discard(HostPage)
  /// Punches the block out of a memory file, in pages of this size: FALLOC_FL_PUNCH_HOLE.
  case punch(HostPage)

  /// The name as in its column.
  var name: String {
    switch self {
    case .none: "none"
    case .bitmap: "bitmap"
    case .discard: "discard"
    case .punch: "punch"
    }
  }

  /// The page size of the memory it gives back; nil if it gives back none.
  var page: HostPage? {
    switch self {
    case .none, .bitmap: nil
    case .discard(let page), .punch(let page): page
    }
  }

  /// The actions allowed for a strategy's hints. Addresses that may be stale are only good for clearing bits. What a
  /// strategy takes before it reports it may be given back, to measure what that costs: `delivery` has no reclaim, which
  /// could return a block before the host has acted (`discard` has).
  static func allowed(_ strategy: StrategyCard) -> [HostAction] {
    guard strategy.reports else { return [] }
    return [.none, .bitmap] + (strategy.takesWhatItReports ? givingBack : [])
  }

  /// The actions that give memory back.
  static let givingBack: [HostAction] = [.discard(.small), .discard(.huge), .punch(.small), .punch(.huge)]

  /// Creates the action that the options of `delivery` ask for; nil if they have no action.
  init?(_ options: OptionValues) {
    let page: HostPage = options["page"] == "2M" ? .huge : .small
    switch options["action"] {
    case "none": self = .none
    case "bitmap": self = .bitmap
    case "discard": self = .discard(page)
    case "punch": self = .punch(page)
    default: return nil
    }
  }

  /// Why this machine can't perform the action; nil if it can. Tried once, with as much memory as the action takes.
  var refusal: String? { Self.refusals[self] }

  private static let refusals: [HostAction: String] = {
    var refusals: [HostAction: String] = [:]
    for action in givingBack {
      if case .failure(let absence) = DeliveryExperiment.place(for: action) {
        refusals[action] = "\(absence.what): \(absence.why)"
      }
    }
    return refusals
  }()
}
