import Records

/// One of several scanners in a repetition: a row of `scan.csv`, by the modelled node it scans.
struct ScannerRecord: ExperimentRecord {
  /// `scanner_node`.
  var node = 0
  /// `scanner_guest_cpu`.
  var guestCPU = 0
  /// `scanner_cpu`.
  var hostCPU: Int?
  /// `scanner_host_node`.
  var hostNode: Int?
  /// `scanner_memory_node`.
  var memoryNode: Int?
  /// `scanner_scan_ns`. ns.
  var scanNs: Double?
  /// `scanner_cpu_ns`. ns.
  var cpuNs: Double?
  /// `scanner_lock_acquisitions`.
  var lockAcquisitions: Int?
  /// `scanner_lock_wait_ns_max`. ns.
  var lockWaitNsMax: Double?
  /// `scanner_involuntary_switches`.
  var involuntarySwitches: Int?

  static var fileName: String { "scan.csv" }
  static var blank: ScannerRecord { ScannerRecord() }
  static let keyColumns = 1

  static let columns: [Column<ScannerRecord>] = [
    Column("scanner_node", \.node, meaning: "The modelled node whose zones this scanner has."),
    Column("scanner_guest_cpu", \.guestCPU, meaning: "CPU of the guest it runs on."),
    Column("scanner_cpu", \.hostCPU, meaning: "Host CPU of its thread at the end of the unprobed pass."),
    Column("scanner_host_node", \.hostNode, meaning: "Host node of that CPU."),
    Column("scanner_memory_node", \.memoryNode, meaning: "Host node of the memory it scans."),
    Column(
      "scanner_scan_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.scanNs,
      meaning: "From its own start to its last hint accepted."),
    Column(
      "scanner_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.cpuNs,
      meaning: "CPU time of its thread, return included."),
    Column("scanner_lock_acquisitions", direction: .lowerIsBetter, \.lockAcquisitions, meaning: "Its acquisitions."),
    Column(
      "scanner_lock_wait_ns_max", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lockWaitNsMax,
      meaning: "Its longest wait for a zone lock, which the others may have held."),
    Column(
      "scanner_involuntary_switches", direction: .lowerIsBetter, \.involuntarySwitches,
      meaning: "Involuntary context switches of its thread, both passes."),
  ]
}
