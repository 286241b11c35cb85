import Bench
import Hinting
import Records

/// How a guest of one size can be modelled on this machine: the memory it needs, and what `auto` chooses.
public struct GuestFit: Equatable, Codable, Sendable {
  /// The exactness of a model and the host memory it needs.
  public struct Setting: Equatable, Codable, Sendable {
    /// The granule order; 0 is exact.
    public var granuleOrder: Int
    /// The host pages of the memory map: 4k or 2m.
    public var vmemmap: String
    public var bytes: UInt64

    enum CodingKeys: String, CodingKey {
      case granuleOrder = "granule_order"
      case vmemmap, bytes
    }
  }

  /// The guest's size, as on the command line.
  public var guest: String
  /// Whether this is for strategies that take and return all of free memory, and so touch every struct page.
  public var wholeBlocks: Bool
  /// The host memory of an exact model with the memory map in 2 MiB pages, and in 4 KiB pages. Bytes.
  public var exact2m: UInt64
  public var exact4k: UInt64
  /// The choice of `--granule auto --vmemmap auto`; nil if nothing fits.
  public var automatic: Setting?
  /// The flags that make the model exact if `auto` doesn't; nil if it does, or if no flags do.
  public var exactWith: String?

  enum CodingKeys: String, CodingKey {
    case guest, automatic
    case wholeBlocks = "whole_blocks"
    case exact2m = "exact_2m_bytes"
    case exact4k = "exact_4k_bytes"
    case exactWith = "exact_with"
  }

  /// The sizes that are examined.
  static let sizes = ["8G", "64G", "1T", "4T", "16T", "100T"]

  /// Examines each size with an aged guest, which needs more than a fresh one: once with strategies that leave blocks
  /// in place, once with all.
  ///
  /// - Throws: ``UserError`` for an invalid size.
  static func all(
    _ host: Matrix.HostResources, _ experiments: ExperimentList, sizes: [String] = sizes
  ) throws(UserError) -> [GuestFit] {
    var fits: [GuestFit] = []
    for size in sizes {
      for wholeBlocks in [false, true] { fits.append(try GuestFit(size, wholeBlocks, host, experiments)) }
    }
    return fits
  }

  private init(
    _ size: String, _ wholeBlocks: Bool, _ host: Matrix.HostResources, _ experiments: ExperimentList
  ) throws(UserError) {
    func setting(
      _ granule: String, _ vmemmap: String, _ host: Matrix.HostResources
    ) throws(UserError) -> Setting {
      try Self.setting(size, wholeBlocks, granule, vmemmap, host, experiments)
    }
    let boundless = Matrix.HostResources(cpus: host.cpus, availableBytes: .max)
    let large = try setting("0", "2m", boundless)
    let small = try setting("0", "4k", boundless)
    guest = size
    self.wholeBlocks = wholeBlocks
    exact2m = large.bytes
    exact4k = small.bytes
    do {
      automatic = try setting("auto", "auto", host)
    } catch {
      guard error.kind == .unavailable else { throw error }
    }
    guard automatic?.granuleOrder != 0 else { return }
    for vmemmap in ["2m", "4k"] {
      do {
        _ = try setting("0", vmemmap, host)
        exactWith = "--granule 0 --vmemmap \(vmemmap)"
        break
      } catch {
        guard error.kind == .unavailable else { throw error }
      }
    }
  }

  private static func setting(
    _ size: String, _ wholeBlocks: Bool, _ granule: String, _ vmemmap: String, _ host: Matrix.HostResources,
    _ experiments: ExperimentList
  ) throws(UserError) -> Setting {
    var group = RunConfig.Group()
    group.guests = [size]
    group.states = ["aged"]
    group.granule = granule
    group.vmemmap = vmemmap
    group.strategies = [(Strategies.all.first { ($0.card.effect == .takesBlocks) == wholeBlocks })?.card.name ?? "none"]
    var config = RunConfig()
    config.groups = [group]
    let matrix = try Matrix(config, host: host, experiments: experiments)
    let guest = matrix.cells[0].guest
    return Setting(
      granuleOrder: guest.granuleOrder, vmemmap: guest.vmemmapPage.rawValue, bytes: matrix.peakBytes)
  }
}
