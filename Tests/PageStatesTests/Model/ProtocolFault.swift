/// What is left out of the protocol, to see it caught.
enum ProtocolFault: String, CaseIterable, Sendable {
  /// page_discard() takes PG_discarded for clear always.
  case ignoresDiscarded = "ignores PG_discarded"
  /// STABLE_IF_NOT_DISCARDED where SET_STABLE is meant to say whether the page is there.
  case ignoresZero = "takes a discarded page for stable"
  /// make_volatile without looking at the references.
  case ignoresReferences = "makes volatile what others use"
  /// make_volatile without looking at page->flags.
  case ignoresFlags = "makes volatile what is dirty or locked"
  /// make_volatile goes on where another has PG_state_change, and make_stable doesn't wait.
  case ignoresStateChange = "ignores PG_state_change"
  /// A discarded page is given back at once.
  case freesAtOnce = "frees a discarded page at once"
  /// Where a page is P, V is set.
  case forgetsWritable = "makes V of what is mapped writable"
  /// A write goes by an entry that is only to be read, without a fault.
  case writesAnywhere = "writes what is mapped to be read"
  /// get_page() for get_page_unless_zero() in the fault's handler.
  case getsAlways = "takes references of freed pages"
  /// make_volatile looks at page->flags first and at the references then.
  case looksAtFlagsFirst = "looks at flags before references"
  /// Reclaim doesn't ask for PG_discarded: no fault at all, see its test.
  case reclaimsBlindly = "reclaims without asking for PG_discarded"
}
