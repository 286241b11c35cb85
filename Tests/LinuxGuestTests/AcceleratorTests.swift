import Foundation
import LinuxGuest
import Machine
import Testing

@Suite struct AcceleratorTests {
  /// What is chosen on a machine with these flags.
  private func choice(flags: String, hasDevice: Bool) throws -> Accelerator {
    let root = NSTemporaryDirectory() + "hintbench-accelerator-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: root) }
    for folder in ["/proc", "/dev"] {
      try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: true)
    }
    let text = "processor\t: 0\nflags\t\t: fpu \(flags) lm\n\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/proc/cpuinfo"))
    if hasDevice { try Data().write(to: URL(fileURLWithPath: root + "/dev/kvm")) }
    return Accelerator.best(files: HostFiles(root: root))
  }

  @Test func kvmNeedsTheDeviceAndTheProcessor() throws {
    #expect(try choice(flags: "vmx", hasDevice: true) == .kvm)
    #expect(try choice(flags: "svm", hasDevice: true) == .kvm)
    #expect(try choice(flags: "svm", hasDevice: false) == .emulation)
    #expect(try choice(flags: "svm_lock", hasDevice: true) == .emulation)
  }
}
