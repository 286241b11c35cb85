import Machine

/// The findings of `hintbench doctor`.
public struct DoctorReport: Equatable, Codable, Sendable {
  public var findings: [Finding]
  /// Whether `hintbench run` without arguments works here.
  public var works: Bool { whyNot == nil }
  /// Why it doesn't, in one line; nil if it does.
  public var whyNot: String?
  public var nodes: [NodePlacement]
  public var guests: [GuestFit]
  /// The noise; nil if not requested or not measurable.
  public var noise: NoiseReport?
  /// Why noise wasn't measured; nil if it was.
  public var noiseMissing: String?
  public var host: HostFacts

  enum CodingKeys: String, CodingKey {
    case findings, guests, noise, host
    case whyNot = "default_run_fails"
    case nodes = "numa_nodes"
    case noiseMissing = "noise_missing"
  }
}
