/// The declared dimensions of a cell with their values, of which its id is made.
public struct CellIdentity: Sendable {
  private var values: [String: String?] = [:]

  /// The experiment and its options. A value that cells had before the option existed stays out.
  public init(_ experiment: ExperimentCard, _ options: OptionValues) {
    values["experiment"] = experiment.name
    for option in experiment.options where option.tellsCellsApart {
      guard let value = options[option.name], value != option.impliedValue else { continue }
      values[option.name.replacing("-", with: "_")] = value
    }
  }

  /// A dimension; nil is a value of its own.
  public mutating func set(_ name: String, _ value: String?) { values[name] = .some(value) }

  /// A dimension that came later than others: left out where it has the value that cells had before.
  public mutating func set(_ name: String, _ value: String?, implied: String?) {
    if value != implied { set(name, value) }
  }

  public var id: String { CellID.make(from: values.map { (name: $0.key, value: $0.value) }) }
}
