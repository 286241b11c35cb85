import GuestMemory
import Hinting

// What parts of a repetition take, about: fitted to the committed runs, which EstimateTests holds them to.
extension Cell {
  /// What a repetition takes. Nanoseconds.
  public func estimatedNanoseconds(_ host: Matrix.HostLimits) -> Double { experiment.estimate(self, host) }

  /// What a session of the strategy takes for each block of the lowest order that the guest has. Nanoseconds.
  var sessionNsPerBlock: Double {
    switch strategy.card.effect {
    case .readsOnly: 400
    case .takesBuffers: 700
    case .takesBatches: 3000
    case .takesBlocks: 3500
    }
  }

  /// What a session takes. Nanoseconds.
  package var sessionNanoseconds: Double { blocks * sessionNsPerBlock }

  /// What it takes to bring guest and caches back to the starting state: a buffer of twice the last-level cache is
  /// walked. Nanoseconds.
  package func restartNanoseconds(_ host: Matrix.HostLimits) -> Double {
    1e6 + (cache == .cold ? 2 * Double(host.lastLevelCacheBytes) * 0.075 : 0)
  }
}

extension GuestSpec {
  /// What it takes to build one. Nanoseconds.
  var buildNanoseconds: Double {
    let pages = Double(bytes >> 12) / Double(1 << granuleOrder)
    return 30e6 + pages * 50
  }
}
