import ArgumentParser
import GuestMemory

/// The options that name a capture, of every command that takes one.
struct CaptureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Build the guest from what is found of a machine's memory in a folder, a sosreport or another archive, a file with "
        + "several files in it, or - for standard input.", valueName: "path"))
  var capture: String?
  @Option(help: ArgumentHelp("Build the guest from a captured /proc/buddyinfo.", valueName: "file"))
  var buddyinfo: String?
  @Option(
    help: ArgumentHelp(
      "Captured /proc/pagetypeinfo, for the migratetypes; needs --buddyinfo only where it says >100000.",
      valueName: "file"))
  var pagetypeinfo: String?
  @Option(
    help: ArgumentHelp(
      "Captured /proc/zoneinfo, for zone spans and watermarks; needs --buddyinfo, --pagetypeinfo or --show-mem.",
      valueName: "file"))
  var zoneinfo: String?
  @Option(
    help: ArgumentHelp(
      "Build the guest from a kernel's log of its free memory (allocation failure, OOM, SysRq-m), or - for standard "
        + "input.", valueName: "file"))
  var showMem: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Which of several copies in the file of --show-mem or --capture (default: the last).", valueName: "n"))
  var nth: Int?
  @Option(
    help: ArgumentHelp(
      "Build the guest from a kernel's lists, block by block: the file lists of a capture that `kernel run` left.",
      valueName: "file"))
  var lists: String?
  @Option(
    help: ArgumentHelp(
      "Page size of a captured machine: 4k, 16k, 64k, or auto, by what the capture tells (default: auto).",
      valueName: "size"))
  var pageSize: String?

  var files: CaptureFiles {
    CaptureFiles(
      capture: capture, buddyinfo: buddyinfo, pagetypeinfo: pagetypeinfo, zoneinfo: zoneinfo, showMem: showMem,
      nth: nth, lists: lists)
  }

  /// The given flags, by name.
  var flags: [String] { files.flags + (pageSize == nil ? [] : ["--page-size"]) }

  /// Whether any of these options is given.
  var isGiven: Bool { !flags.isEmpty }
}
