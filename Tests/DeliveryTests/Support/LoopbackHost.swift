@testable import Delivery

/// An infinitely fast host without a thread: whatever is published is used at once, in the caller's thread. With it a
/// session is the same in every run.
struct LoopbackHost {
  private let device: DeviceQueue
  /// What it saw so far.
  private(set) var figures = HostFigures()

  /// The host of a queue, which must outlive it.
  init(_ queue: Virtqueue) { device = queue.device }

  /// Pops everything published and pushes it used. Stops for good at the first fault, which then stands in
  /// ``figures``.
  ///
  /// - Returns: chains served.
  @discardableResult
  mutating func serve() -> Int {
    guard figures.fault == nil else { return 0 }
    var served = 0
    do throws(VirtqueueFault) {
      while let chain = try device.pop() {
        // Summed before the push, after which the chain is the driver's again.
        let bytes = chain.bytes
        figures.count(chain, interrupt: device.push(head: chain.head, length: 0), bytes: bytes)
        served &+= 1
      }
    } catch {
      figures.fault = error
    }
    return served
  }

  /// The driver's kick: counts it and serves.
  ///
  /// - Returns: chains served.
  @discardableResult
  mutating func notify() -> Int {
    figures.notifications &+= 1
    return serve()
  }
}
