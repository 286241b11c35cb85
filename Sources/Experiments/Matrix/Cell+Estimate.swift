import GuestMemory
import Hinting

// What parts of a repetition take, about: fitted to the committed runs, which EstimateTests holds them to.
extension Cell {
  /// What a repetition takes. Nanoseconds.
  public var estimatedNanoseconds: Double { experiment.estimate(self) }

  /// What a session of the strategy takes for each block of the lowest order that the guest has. Nanoseconds.
  var sessionNsPerBlock: Double {
    switch strategy.card.effect {
    case .readsOnly: 400
    case .takesBuffers: 700
    case .takesBatches: 3000
    case .takesBlocks: 12_000
    }
  }

  /// What a session takes. Nanoseconds.
  var sessionNanoseconds: Double { blocks * sessionNsPerBlock }

  /// What it takes to bring guest and caches back to the starting state. Nanoseconds.
  var restartNanoseconds: Double { cache == .cold ? 20e6 : 2e6 }
}

extension GuestSpec {
  /// What it takes to build one. Nanoseconds.
  var buildNanoseconds: Double {
    let pages = Double(bytes >> 12) / Double(1 << granuleOrder)
    return 50e6 + pages * 5
  }
}
