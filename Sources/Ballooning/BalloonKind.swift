/// The unit in which a balloon takes memory.
///
/// Linux takes single pages (virtio 1.2, 5.5). Larger blocks were proposed but not merged; an entry of a message then
/// names a whole block, whose size both sides know.
public enum BalloonKind: String, Sendable, CaseIterable {
  case order0
  /// 2 MiB, order 9.
  case huge = "2m"
  /// 4 MiB, the highest order.
  case highest = "hpo"

  public var order: Int {
    switch self {
    case .order0: 0
    case .huge: 9
    case .highest: 10
    }
  }
}

/// How the pages of a batch are added to and removed from the balloon's list.
public enum BalloonListing: String, Sendable, CaseIterable {
  /// balloon_page_enqueue() and balloon_page_dequeue(): one hold per page. What virtio-balloon does.
  case page
  /// balloon_page_list_enqueue() and balloon_page_list_dequeue(): one hold per batch. What VMware's balloon does.
  case list
}

/// The rule that decides whether a page is already isolated.
public enum IsolationRule: String, Sendable, CaseIterable {
  /// The 2012 series: a page is isolated unless it has exactly two references, the balloon's and the isolator's.
  case series2012 = "2012"
  /// What was merged: the flag PageIsolated. The owner is checked again with a reference, before the lock.
  case merged
}
