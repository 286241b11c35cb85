/// tell_host(): whom the balloon tells what it has taken and given back. Called with the balloon's mutex held; returns
/// when the host has acknowledged it.
public protocol BalloonHost {
  func tell(_ command: BalloonCommand, _ pfns: PFNArray, count: Int)
}
