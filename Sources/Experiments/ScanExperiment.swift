/// The main question: how long does each design hold zone->lock, and what does it cost to cover how much of free
/// memory?
public enum ScanExperiment {
  public static let card = ExperimentCard(
    name: "scan",
    question: "how long each design holds zone->lock, what it costs, and how much of free memory it covers",
    files: "runs.csv, cells.csv, zones.csv, lock_holds.csv")
}
