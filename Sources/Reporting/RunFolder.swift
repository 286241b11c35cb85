import Foundation
import Machine
import Records

/// The folder of a run while it is written. It is consistent at every moment, so that a killed run keeps what it
/// finished.
///
/// A repetition's rows go to zones.csv, lock_holds.csv, events.csv, coverage.csv and EXPERIMENT.csv first; its row in
/// runs.csv is
/// written last and commits it. Only one process may write a folder at a time; the folder is locked (flock(2)) while
/// this object lives.
public final class RunFolder {
  /// The folder's path.
  public let path: String
  private let lock: FolderLock
  private let runs: CSVWriter
  private let zones: CSVWriter
  private let holds: CSVWriter
  /// Whether this run keeps hold sequences. A finished run doesn't; a repetition written without one must not look as
  /// if it had lost it.
  private let keepsSequences: Bool
  private var events: CSVWriter?
  private var coverage: CSVWriter?
  private var experiments: [String: CSVWriter] = [:]
  private var committed: Set<RepetitionKey>

  private init(_ path: String, lock: FolderLock, committed: Set<RepetitionKey>) throws(UserError) {
    self.path = path
    self.lock = lock
    self.committed = committed
    keepsSequences = FileAccess.isFolder(path + "/" + HoldSequenceFile.folder)
    runs = try Self.writer(RunRecord.self, in: path)
    zones = try Self.writer(ZoneRecord.self, in: path)
    holds = try Self.writer(HoldBucketRecord.self, in: path)
  }

  private static func writer<Record: TabularRecord>(
    _ type: Record.Type, in folder: String
  ) throws(UserError) -> CSVWriter {
    try writer(folder + "/" + Record.fileName, header: Record.columns.map(\.name))
  }

  private static func writer(_ file: String, header: [String]) throws(UserError) -> CSVWriter {
    FileAccess.exists(file)
      ? try CSVWriter(appendingTo: file) : try CSVWriter(creating: file, header: header)
  }

  /// Creates the folder, its missing parents, meta.json, and the CSV files with their header lines.
  ///
  /// This is a run's first write: call it once the arguments are known to be valid.
  /// - Throws: ``UserError``: of kind usage if the folder isn't empty, which is left unchanged; of kind io if it can't
  ///   be created or written; what was created is then removed.
  public static func create(at path: String, meta: RunMeta) throws(UserError) -> RunFolder {
    let made = try FileAccess.makeFolders(path)
    func removeMade() { for folder in made.reversed() { rmdir(folder) } }
    let lock: FolderLock
    do throws(UserError) {
      lock = try FolderLock(path)
    } catch {
      removeMade()
      throw error
    }
    guard try FileAccess.names(in: path).isEmpty else {
      throw UserError(
        kind: .usage, path: path, problem: "the folder isn't empty",
        help: "use a new folder with --out, or resume its run with --resume")
    }
    let holds = path + "/" + HoldSequenceFile.folder
    do throws(UserError) {
      try write(meta, to: path)
      try FileAccess.makeFolder(holds)
      return try RunFolder(path, lock: lock, committed: [])
    } catch {
      // The folder was empty and is locked: everything in it was created here.
      rmdir(holds)
      for name in (try? FileAccess.names(in: path)) ?? [] { unlink(path + "/" + name) }
      removeMade()
      throw error
    }
  }

  /// Opens a run that was killed or stopped, and restores its files to the committed state.
  ///
  /// A torn last line is dropped from each CSV file. Rows of other files, and kept hold sequences, are dropped if
  /// runs.csv has no row of their repetition; a row of runs.csv is dropped if its repetition's rows in other files are
  /// lost. Files are replaced atomically (written beside, then renamed), so that this may be killed as well.
  /// - Throws: ``UserError``: of kind input if meta.json or a complete line is invalid or of another schema_version; of
  ///   kind io if the system refuses or another process is writing the run.
  public static func resume(at path: String) throws(UserError) -> ResumedRun {
    // Before anything is locked or changed: a folder that isn't a run's is refused and left unchanged.
    let version = try RunContents.meta(of: path).schemaVersion
    guard version == RunMeta.currentSchemaVersion else {
      throw .input(
        file: path + "/meta.json", "schema_version is \(version)",
        accepted: "expected a run of schema_version \(RunMeta.currentSchemaVersion) to resume")
    }
    let lock = try FolderLock(path)
    let contents = try clean(path)
    return ResumedRun(
      folder: try RunFolder(path, lock: lock, committed: contents.committed), meta: contents.meta,
      runs: contents.runs, committed: contents.committed, lost: contents.lost)
  }

  private static func clean(_ path: String) throws(UserError) -> RunContents {
    for name in try FileAccess.names(in: path) where name.hasSuffix(FileAccess.temporarySuffix) {
      unlink(path + "/" + name)
    }
    let contents = try RunContents(of: path)
    for (name, bytes) in contents.rewrites.sorted(by: { $0.key < $1.key }) {
      let file = path + "/" + name
      if let bytes {
        try FileAccess.writeAtomically(bytes, to: file)
      } else {
        // A file without a complete header line has nothing to keep; it is created again when needed.
        try FileAccess.remove(file)
      }
    }
    let holds = path + "/" + HoldSequenceFile.folder
    guard FileAccess.isFolder(holds) else { return contents }
    let kept = Set(contents.committed.map(HoldSequenceFile.name))
    for name in try FileAccess.names(in: holds) where !kept.contains(name) {
      try FileAccess.remove(holds + "/" + name)
    }
    return contents
  }

  /// Writes a repetition: the rows of the other files, then its row in runs.csv, which commits it. If that fails,
  /// nothing of it stays.
  ///
  /// - Parameters:
  ///   - run: the repetition; must not be committed yet.
  ///   - zones: its rows of zones.csv.
  ///   - holds: its rows of lock_holds.csv.
  ///   - holdSequence: its holds in order, kept until ``finish(cells:meta:)`` for the cells of a resumed run.
  ///   - experiment: its rows of EXPERIMENT.csv.
  ///   - events: its rows of events.csv; a run without any has no such file.
  ///   - coverage: its rows of coverage.csv; the same.
  /// - Throws: ``UserError`` of kind io.
  public func commit(
    _ run: RunRecord,
    zones zoneRows: [ZoneRecord] = [],
    holds holdRows: [HoldBucketRecord] = [],
    holdSequence: HoldSequence? = nil,
    experiment: ExperimentRows? = nil,
    events eventRows: [EventCountRecord] = [],
    coverage coverageRows: [CoverageRecord] = []
  ) throws(UserError) {
    let key = run.key
    precondition(!committed.contains(key), "repetition \(key.repetition) of cell \(key.cellID) is committed already")
    precondition(
      zoneRows.allSatisfy { $0.cellID == key.cellID && $0.repetition == key.repetition }
        && holdRows.allSatisfy { $0.cellID == key.cellID && $0.repetition == key.repetition }
        && eventRows.allSatisfy { $0.key == key } && coverageRows.allSatisfy { $0.key == key },
      "rows of another repetition than \(key.repetition) of cell \(key.cellID)")
    let extra = try experiment.map { (experiment) throws(UserError) in try self.writer(of: experiment) }
    let extraRows = experiment?.rows ?? []
    if events == nil && !eventRows.isEmpty { events = try Self.writer(EventCountRecord.self, in: path) }
    if coverage == nil && !coverageRows.isEmpty { coverage = try Self.writer(CoverageRecord.self, in: path) }
    let files = [zones, holds, runs] + [extra, events, coverage].compactMap { $0 }
    let lengths = files.map(\.length)
    let sequenceFile = path + "/" + HoldSequenceFile.folder + "/" + HoldSequenceFile.name(of: key)
    do throws(UserError) {
      try zones.append(zoneRows)
      try holds.append(holdRows)
      try events?.append(eventRows)
      try coverage?.append(coverageRows)
      let identity = [run.identity.runID, key.cellID, String(key.repetition)] as [String?]
      try extra?.append(extraRows.map { identity + $0 })
      if keepsSequences {
        let kept = HoldSequenceFile(
          zoneRows: zoneRows.count, bucketRows: holdRows.count,
          otherRows: extraRows.count + eventRows.count + coverageRows.count, holds: holdSequence)
        let file = try FileAccess.open(sequenceFile, .writeOnly, options: [.create, .truncate])
        defer { try? file.close() }
        try FileAccess.write(kept.bytes, to: file, path: sequenceFile)
      }
      try runs.append([run])
    } catch {
      for (file, length) in zip(files, lengths) { file.truncate(to: length) }
      unlink(sequenceFile)
      throw error
    }
    committed.insert(key)
  }

  private func writer(of experiment: ExperimentRows) throws(UserError) -> CSVWriter {
    let name = experiment.experiment + ".csv"
    precondition(
      ![
        RunRecord.fileName, ZoneRecord.fileName, HoldBucketRecord.fileName, CellRecord.fileName,
        EventCountRecord.fileName, CoverageRecord.fileName,
      ].contains(name),
      "an experiment can't be called \(experiment.experiment)")
    precondition(
      experiment.rows.allSatisfy { $0.count == experiment.columns.count }, "rows of \(name) unlike its columns")
    if let writer = experiments[name] { return writer }
    let writer = try Self.writer(
      path + "/" + name, header: ["run_id", "cell_id", "repetition"] + experiment.columns)
    experiments[name] = writer
    return writer
  }

  /// The hold sequence of a committed repetition as passed to `commit`; nil if it had none, or the run is finished.
  ///
  /// - Throws: ``UserError`` of kind input if the file was modified.
  public func holdSequence(of key: RepetitionKey) throws(UserError) -> HoldSequence? {
    let file = path + "/" + HoldSequenceFile.folder + "/" + HoldSequenceFile.name(of: key)
    guard FileAccess.exists(file) else { return nil }
    guard let kept = HoldSequenceFile(bytes: try FileAccess.read(file)) else {
      throw .input(file: file, "it isn't whole", accepted: "expected the file as `run` wrote it")
    }
    return kept.holds
  }

  /// Replaces meta.json atomically.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func write(meta: RunMeta) throws(UserError) { try Self.write(meta, to: path) }

  /// Replaces cells.csv atomically. Call this instead of `finish` for a run that stops early and is to be resumed.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func write(cells: [CellRecord]) throws(UserError) {
    let lines = [CSVWriter.line(CellRecord.columns.map(\.name))] + cells.map { CSVWriter.line($0.fields) }
    try FileAccess.writeAtomically(lines.flatMap { $0 }, to: path + "/" + CellRecord.fileName)
  }

  /// Finishes the run: writes cells.csv, then meta.json, whose `finished` must be set, then removes the kept hold
  /// sequences.
  ///
  /// - Throws: ``UserError`` of kind io.
  public func finish(cells: [CellRecord], meta: RunMeta) throws(UserError) {
    precondition(meta.finished != nil, "a run that ends has an end")
    try write(cells: cells)
    try write(meta: meta)
    let holds = path + "/" + HoldSequenceFile.folder
    if FileAccess.isFolder(holds) { try FileAccess.removeFolder(holds) }
  }

  private static func write(_ meta: RunMeta, to path: String) throws(UserError) {
    try JSONFile.write(meta, to: path + "/meta.json")
  }
}

/// A reopened run.
public struct ResumedRun {
  /// The folder, ready for more repetitions.
  public let folder: RunFolder
  /// The run's meta.
  public let meta: RunMeta
  /// The committed repetitions, in the order they were written.
  public let runs: [RunRecord]
  /// Their keys; they need not be run again.
  public let committed: Set<RepetitionKey>
  /// Repetitions whose row was removed from runs.csv because their rows in other files were lost, as after a power
  /// failure; they must be run again.
  public let lost: [RepetitionKey]
}
