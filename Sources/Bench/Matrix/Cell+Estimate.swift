import GuestMemory
import Hinting

// Approximate times of a repetition's parts, fitted to the committed runs; EstimateTests checks them.
extension Cell {
  /// The estimated time of a repetition. Nanoseconds.
  public func estimatedNanoseconds(_ host: Matrix.HostResources) -> Double { experiment.estimate(self, host) }

  /// The estimated time of the strategy's session per block of the lowest order in the guest. Nanoseconds.
  var sessionNsPerBlock: Double {
    switch strategy.card.effect {
    case .readsOnly: strategy.card.holdBound == "takes no lock" ? 60 : 400
    case .takesBuffers: 700
    // Isolating a block reads all of its struct pages since 6.12.
    case .takesBatches:
      !strategy.card.name.hasPrefix("page-reporting") ? 500 : guest.kernel == .linux61 ? 3000 : 5000
    case .takesBlocks: 3500
    }
  }

  /// The estimated time of a session. Nanoseconds.
  package var sessionNanoseconds: Double { blocks * sessionNsPerBlock + hostNanoseconds }

  /// The estimated time that a session of a strategy that holds blocks waits for a host that takes its time. Nanoseconds.
  private var hostNanoseconds: Double {
    guard hostAckNs > 0, clock == .real else { return 0 }
    // Half of the guest is free. Two threads wake each other in some 80 us.
    let ack = Double(hostAckNs)
    let blocks = blocks / 2
    switch strategy.card.effect {
    case .takesBlocks: return blocks * (strategy.options["ack"] == "wait" ? ack + 80_000 : ack)
    case .takesBatches: return blocks / 32 * (ack + 80_000)
    case .readsOnly, .takesBuffers: return 0
    }
  }

  /// The estimated time to restore guest and caches to the starting state, including a walk over a buffer of twice the
  /// last-level cache. Nanoseconds.
  package func restartNanoseconds(_ host: Matrix.HostResources) -> Double {
    1e6 + (cache == .cold ? 2 * Double(host.lastLevelCacheBytes) * 0.075 : 0)
  }
}

extension GuestSpec {
  /// The estimated time to build the guest. Nanoseconds.
  var buildNanoseconds: Double {
    let pages = Double(bytes / pageSize.bytes) / Double(1 << granuleOrder)
    return 30e6 + pages * 40
  }
}
