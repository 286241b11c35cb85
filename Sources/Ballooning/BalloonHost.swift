/// The host as the balloon sees it: tell_host(). Called with the balloon's mutex held; returns when the host has
/// acknowledged the message.
public protocol BalloonHost {
  func tell(_ command: BalloonCommand, _ pfns: PFNArray, count: Int)
}
