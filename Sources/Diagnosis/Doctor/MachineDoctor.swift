import Glibc
import Instruments
import Machine

/// Examines what a machine offers for measurements, row by row. Tests can replace everything it queries.
public struct MachineDoctor: Sendable {
  public var files: HostFiles
  public var library: PAPILibrary
  public var numa: any NumaHost
  public var programs: ProgramPath
  /// Whether commands work without `sudo`.
  public var isRoot: Bool
  /// Tries huge pages.
  public var hugePages: @Sendable () -> HugePageTrial
  /// Pins the calling thread to a CPU and unpins it again.
  public var pin: @Sendable (_ cpu: Int) -> SystemCallError?
  /// The CPUs that this process may run on; nil if the kernel doesn't report them.
  public var allowedCPUs: @Sendable () -> [Int]?
  public var build: BuildFacts

  /// Creates a doctor for this machine, with the given parts replaced.
  public init(
    files: HostFiles = HostFiles(), library: PAPILibrary = .system, numa: any NumaHost = LibNuma(),
    programs: ProgramPath = ProgramPath(), isRoot: Bool = geteuid() == 0,
    hugePages: @escaping @Sendable () -> HugePageTrial = { HugePageTrial.run() },
    pin: @escaping @Sendable (Int) -> SystemCallError? = MachineDoctor.tryPinning,
    allowedCPUs: @escaping @Sendable () -> [Int]? = { try? ThreadPlacement.allowedCPUs() },
    build: BuildFacts = .current
  ) {
    self.files = files
    self.library = library
    self.numa = numa
    self.programs = programs
    self.isRoot = isRoot
    self.hugePages = hugePages
    self.pin = pin
    self.allowedCPUs = allowedCPUs
    self.build = build
  }

  /// Pins the calling thread to `cpu`, then restores its CPUs. Returns nil if that worked.
  public static func tryPinning(_ cpu: Int) -> SystemCallError? {
    do throws(SystemCallError) {
      let before = try ThreadPlacement.allowedCPUs()
      try ThreadPlacement.pin(toCPU: cpu)
      try ThreadPlacement.allow(before)
      return nil
    } catch {
      return error
    }
  }

  /// The facts about the machine, read once.
  public var facts: HostFacts { HostFacts.gather(files: files) }

  func asRoot(_ command: String) -> String { isRoot ? command : "sudo \(command)" }

  /// The command that writes `text` to a file of /proc or /sys.
  func write(_ text: String, to path: String) -> String { "echo \(text) | \(asRoot("tee \(path)"))" }

  func install(_ package: String) -> String { asRoot("apt-get install \(package)") }
}
