import Bench

/// The pages of the process that exits: the option `tenant`.
enum TenantPages: String, CaseIterable {
  case thp, order0

  init(_ cell: Cell) { self = cell.options["tenant"].flatMap(TenantPages.init) ?? .thp }

  var order: Int { self == .thp ? 9 : 0 }
}
