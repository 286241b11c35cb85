import Experiments

/// What `hintbench doctor` found, as a file for programs.
public enum DoctorFile {
  /// Writes it as JSON in the form of meta.json: pretty, keys sorted; what isn't told is left out.
  ///
  /// - Throws: ``ReportingError`` where the file can't be written.
  public static func write(_ report: DoctorReport, to path: String) throws {
    try FileAccess.writeAtomically([UInt8](RunMeta.encoder.encode(report)), to: path)
  }
}
