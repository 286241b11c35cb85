import GuestMemory
import Records

/// A guest of the matrix, described completely enough to be built.
public struct GuestSpec: Hashable, Sendable {
  public enum State: Hashable, Sendable {
    case fresh
    /// `profile`: what work left so; nil: the model's own churn.
    case aged(free: Double, profile: AgingProfile? = nil)
    /// `fingerprint`: of the captured blocks, so that cells of different captures don't match. `name`: in a series of
    /// captures; it tells rows apart and isn't part of a cell's identity.
    case captured(fingerprint: String, name: String? = nil)

    /// The name as in the state column.
    public var name: String {
      switch self {
      case .fresh: "fresh"
      case .aged(_, let profile): profile.map { "aged:\($0.name)" } ?? "aged"
      case .captured(_, let name): name.map { "captured:\($0)" } ?? "captured"
      }
    }

    /// The name in a cell's identity.
    var identityName: String {
      if case .captured = self { "captured" } else { name }
    }
  }

  public var bytes: UInt64
  public var nodes: Int
  /// The share of Normal memory that is ZONE_MOVABLE, 0 for none.
  public var movableShare = 0.0
  public var cpus: Int
  public var state: State
  /// Nil: as the lists of the capture are.
  public var listOrder: ListOrder?
  public var granuleOrder: Int
  public var vmemmapPage: GuestGeometry.VmemmapPage
  /// Whose rules the guest follows.
  public var kernel = KernelVersion.linux61
  /// Whether a kernel that checks struct pages only where it was told to was told to; false for one that always does.
  public var isToldToCheckPages = false
  public var pageSize = PageSize.small
  /// Where its watermarks are from.
  public var watermarks = WatermarkSource.computed
  /// Where they were from before there was a choice: of a captured guest from zoneinfo or nowhere.
  var formerWatermarks = WatermarkSource.computed
  public var lockKind: LockKind
  public var seed: UInt64
  /// The host node of all the guest's memory; nil: the modelled nodes are spread over the host nodes in turn.
  public var memoryNode: Int?

  /// As in column `list_order`.
  public var listOrderName: String { listOrder?.rawValue ?? "captured" }
}

extension CellIdentity {
  /// Adds every dimension of a modelled guest.
  mutating func add(_ guest: GuestSpec) {
    var free: String?
    var capture: String?
    switch guest.state {
    case .fresh: break
    case .aged(let share, _): free = "\(share)"
    case .captured(let fingerprint, _): capture = fingerprint
    }
    set("guest_bytes", "\(guest.bytes)")
    set("nodes", "\(guest.nodes)")
    set("cpus", "\(guest.cpus)")
    set("granule_order", "\(guest.granuleOrder)")
    set("vmemmap_page_bytes", "\(guest.vmemmapPage.bytes)")
    set("vmemmap_filled", "\(guest.vmemmapPage == .filled)", implied: "false")
    set("lock_kind", guest.lockKind.rawValue)
    set("state", guest.state.identityName)
    set("list_order", guest.listOrderName)
    set("free", free)
    set("capture", capture)
    set("kernel_rules", guest.kernel.rawValue, implied: KernelVersion.linux61.rawValue)
    set("page_bytes", "\(guest.pageSize.bytes)", implied: "\(PageSize.small.bytes)")
    set("watermarks", guest.watermarks.rawValue, implied: guest.formerWatermarks.rawValue)
    set("movable", "\(guest.movableShare)", implied: "0.0")
    set("memory_node", guest.memoryNode.map(String.init), implied: nil)
  }
}
