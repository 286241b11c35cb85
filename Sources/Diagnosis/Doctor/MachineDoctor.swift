import Glibc
import Instruments
import Machine

/// Looks at what a machine offers to measurements, row by row. Everything it asks can be replaced by tests.
public struct MachineDoctor: Sendable {
  public var files: HostFiles
  public var library: PAPILibrary
  public var numa: any NumaHost
  public var programs: ProgramPath
  /// Whether commands that fix need no `sudo`.
  public var isRoot: Bool
  /// Tries huge pages.
  public var hugePages: @Sendable () -> HugePageTrial
  /// Binds the calling thread to a CPU and lets it loose again.
  public var pin: @Sendable (_ cpu: Int) -> SystemCallError?
  /// CPUs that this process may run on; nil if the kernel doesn't tell.
  public var allowedCPUs: @Sendable () -> [Int]?
  public var build: BuildFacts

  /// This machine, or what is named in place of a part of it.
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

  /// Binds the calling thread to `cpu`, and gives it back the CPUs it had. Nil where that worked.
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

  /// Facts about the machine, read once.
  public var facts: HostFacts { HostFacts.gather(files: files) }

  func asRoot(_ command: String) -> String { isRoot ? command : "sudo \(command)" }

  /// Writes `text` to a file of /proc or /sys.
  func write(_ text: String, to path: String) -> String { "echo \(text) | \(asRoot("tee \(path)"))" }

  func install(_ package: String) -> String { asRoot("apt-get install \(package)") }
}
