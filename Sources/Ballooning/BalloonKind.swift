/// What the balloon takes at a time.
///
/// The kernel's takes single pages (virtio 1.2, 5.5); blocks were proposed and not merged. Here an entry of a message
/// then names a whole block, whose size both sides know.
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

/// How pages of a batch come on the balloon's list and off it.
public enum BalloonListing: String, Sendable, CaseIterable {
  /// balloon_page_enqueue() and balloon_page_dequeue(): a hold for each page. What virtio-balloon does.
  case page
  /// balloon_page_list_enqueue() and balloon_page_list_dequeue(): one hold for the batch. What VMware's balloon does.
  case list
}

/// Whose rule says that a page is isolated already.
public enum BalloonRules: String, Sendable, CaseIterable {
  /// The series of 2012: it has exactly two references, the balloon's and the isolator's.
  case series2012 = "2012"
  /// 6.1: a flag, PageIsolated; and the page's owner is asked for once more with a reference, before the lock.
  case linux61 = "6.1"
}
