import CHost
import Glibc

/// The CPUs of the calling thread.
public enum ThreadPlacement {
  /// Pins the calling thread to `cpu`. Threads started afterwards inherit this, and ``allowedCPUs()`` then returns only
  /// this CPU: call it before pinning.
  ///
  /// - Throws: ``SystemCallError`` (EINVAL if there is no such CPU or this process may not use it).
  public static func pin(toCPU cpu: Int) throws(SystemCallError) {
    guard let number = Int32(exactly: cpu), number >= 0 else {
      throw SystemCallError(call: "sched_setaffinity to CPU \(cpu)", code: EINVAL)
    }
    let code = chost_pin_to_cpu(number)
    guard code == 0 else { throw SystemCallError(call: "sched_setaffinity to CPU \(cpu)", code: code) }
  }

  /// Lets the calling thread run on any of `cpus`; undoes ``pin(toCPU:)``.
  ///
  /// - Throws: ``SystemCallError`` (EINVAL if none of them exists).
  public static func allow(_ cpus: [Int]) throws(SystemCallError) {
    let code = chost_allow_cpus(cpus.map { Int32(clamping: $0) }, Int32(cpus.count))
    guard code == 0 else { throw SystemCallError(call: "sched_setaffinity to \(cpus.count) CPUs", code: code) }
  }

  /// The CPUs that the calling thread may run on, ascending.
  ///
  /// - Throws: ``SystemCallError`` if the kernel refuses (EINVAL on machines of more than 1024 CPUs).
  public static func allowedCPUs() throws(SystemCallError) -> [Int] {
    var cpus = [Int32](repeating: 0, count: 1024)
    let count = chost_allowed_cpus(&cpus, Int32(cpus.count))
    guard count >= 0 else { throw SystemCallError(call: "sched_getaffinity", code: -count) }
    return cpus.prefix(Int(count)).map(Int.init)
  }

  /// The CPU that the calling thread is running on; nil if the kernel refuses.
  public static var currentCPU: Int? {
    let cpu = chost_current_cpu()
    return cpu < 0 ? nil : Int(cpu)
  }
}
