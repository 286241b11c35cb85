import Foundation

/// What `hintbench kernel check --json FILE` found: whether model and kernel end in the same state.
public struct StateAgreement: Codable, Hashable, Sendable {
  /// The file's name where `hintbench report` looks for it, beside the folders of runs.
  public static let fileName = "check.json"

  /// `uname -r`.
  public var kernel: String
  public var traces: Int
  public var operationsPerTrace: Int
  /// The first difference of each trace that has one, in words.
  public var differences: [String]

  public init(kernel: String, traces: Int, operationsPerTrace: Int, differences: [String]) {
    self.kernel = kernel
    self.traces = traces
    self.operationsPerTrace = operationsPerTrace
    self.differences = differences
  }

  private enum CodingKeys: String, CodingKey {
    case kernel, traces, differences
    case operationsPerTrace = "operations_per_trace"
  }

  /// A sentence.
  public var text: String {
    "Linux \(kernel): \(traces - differences.count) of \(traces) traces equal"
  }
}
