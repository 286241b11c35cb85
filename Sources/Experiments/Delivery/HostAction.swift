import Hinting
import Instruments
import Machine
import Records

/// What the host does with a hinted block.
enum HostAction: Hashable, Sendable {
  /// Nothing: what delivery alone costs.
  case none
  /// Clears its bits in a migration bitmap.
  case bitmap
  /// Gives its memory back, anonymous memory in pages of this size: MADV_DONTNEED.
  case discard(HostPage)
  /// Punches it out of a file in memory of pages of this size: FALLOC_FL_PUNCH_HOLE.
  case punch(HostPage)

  /// As in the column.
  var name: String {
    switch self {
    case .none: "none"
    case .bitmap: "bitmap"
    case .discard: "discard"
    case .punch: "punch"
    }
  }

  /// Of the memory it gives back; nil if it gives none.
  var page: HostPage? {
    switch self {
    case .none, .bitmap: nil
    case .discard(let page), .punch(let page): page
    }
  }

  /// What may be done with the hints of a strategy: addresses that may be stale are good for clearing bits only.
  static func allowed(_ goal: StrategyCard.Goal) -> [HostAction] {
    let discards: [HostAction] = [.discard(.small), .discard(.huge), .punch(.small), .punch(.huge)]
    return switch goal {
    case .none: []
    case .migration: [.none, .bitmap]
    case .reclaim: [.none, .bitmap] + discards
    }
  }

  /// What the options of `delivery` ask for; nil if they have no such thing.
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

  /// Why this machine can't do it; nil if it can. Tried once, with as much memory as it takes.
  var refusal: String? { Self.refusals[self] }

  private static let refusals: [HostAction: String] = {
    var refusals: [HostAction: String] = [:]
    for action in allowed(.reclaim) {
      if case .failure(let absence) = DeliveryExperiment.place(for: action) {
        refusals[action] = "\(absence.what): \(absence.why)"
      }
    }
    return refusals
  }()
}
