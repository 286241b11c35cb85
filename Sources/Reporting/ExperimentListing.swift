import Records

/// The text of `hintbench list experiments`: each experiment's question, files and options.
public enum ExperimentListing {
  public static func text(_ cards: [ExperimentCard]) -> String {
    let questions = TextListing(
      titles: ["experiment", "question", "for", "files"],
      rows: cards.map { [$0.name, $0.question, $0.suited, $0.files] })
    let options = OptionListing(cards.map { ($0.name, $0.options) }, of: "experiment")
    return """
      \(questions.text)

      \(options.text)
      """
  }
}
