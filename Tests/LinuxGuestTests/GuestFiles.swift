import Foundation

@testable import LinuxGuest
@testable import Machine

/// What a real guest is made of: `make test-guest` brings it and says where it is.
enum GuestFiles {
  static let kernel = path("HINTBENCH_GUEST_KERNEL")
  static let busybox = path("HINTBENCH_GUEST_BUSYBOX")
  /// hintbench, statically linked.
  static let program = path("HINTBENCH_STATIC_BINARY")

  /// Where the probe's kernel is unpacked and built.
  static let kernels = path("HINTBENCH_KERNELS")

  /// Whether guests are to be booted here. With HINTBENCH_REQUIRE_GUEST what is missing fails the tests; elsewhere it
  /// skips them.
  static let areWanted =
    isRequired
    || ([kernel, busybox, program, kernels].allSatisfy { !$0.isEmpty } && Here.has("qemu-system-x86_64", "cpio"))
  static let whyNot: String = "no guest can be booted here: make test-guest brings QEMU, a kernel and what runs in it"

  static let isRequired = ProcessInfo.processInfo.environment["HINTBENCH_REQUIRE_GUEST"] != nil

  private static func path(_ variable: String) -> String { ProcessInfo.processInfo.environment[variable] ?? "" }

  /// A guest with hintbench in it.
  static func guest(nodes: Int, cpusPerNode: Int = 1) -> LinuxGuest {
    LinuxGuest(
      kernel: kernel, busybox: busybox, programs: ["hintbench": program], nodes: nodes, cpusPerNode: cpusPerNode)
  }
}

/// What this machine has.
enum Here {
  /// Whether all of these programs are in PATH.
  static func has(_ programs: String...) -> Bool {
    programs.allSatisfy { (try? ProgramSearch.find($0, package: "")) != nil }
  }

  /// What a program prints; nil if it fails.
  static func output(of words: String...) -> String? {
    CommandOutput.of(words, environment: ProcessInfo.processInfo.environment)
  }

  /// Whether the process is there and not just waiting to be reaped.
  static func isRunning(_ process: Int) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    // The state follows the name in parentheses, which may hold anything.
    return stat.split(separator: ")").last?.hasPrefix(" Z") == false
  }
}
