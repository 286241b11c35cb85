import Records

/// Other differences between two sides, one per line, for people to judge.
enum RunDifferences {
  static func lines(_ base: [TrackedRun], _ new: [TrackedRun]) -> [String] {
    let facts: [(what: String, value: @Sendable (RunMeta) -> String?)] = [
      ("build", { $0.buildMode }), ("host", { text($0.host["hostname"]) }), ("CPU", { text($0.host["cpu_model"]) }),
      ("hypervisor", { text($0.host["hypervisor"]) }), ("kernel", { text($0.host["kernel"]) }),
      ("compiler", { text($0.host["build"]?["compiler"]) }), ("seed", { "\($0.seed)" }),
    ]
    let differing = facts.compactMap { what, value -> String? in
      func values(_ runs: [TrackedRun]) -> [String] { Set(runs.map { value($0.meta) ?? "unknown" }).sorted() }
      let (old, young) = (values(base), values(new))
      guard old != young || old.count > 1 else { return nil }
      return "\(what) differs: \(old.joined(separator: ", ")) in base, \(young.joined(separator: ", ")) in new"
    }
    let debug =
      (base + new).contains { $0.meta.buildMode == "debug" } ? ["debug build: its timings are meaningless"] : []
    return differing + kernels(base, new) + debug + unfinished(base + new)
  }

  /// Which kernels' rules the guests followed, if not the same: cells of different kernels are different cells.
  static func kernels(_ base: [TrackedRun], _ new: [TrackedRun]) -> [String] {
    let (old, young) = (kernels(base), kernels(new))
    guard old != young, !old.isEmpty, !young.isEmpty else { return [] }
    return [
      "the guests follow the rules of Linux \(old.joined(separator: ", ")) in base, of \(young.joined(separator: ", ")) "
        + "in new: only cells of the same kernel are compared (run --kernel chooses it)"
    ]
  }

  private static func kernels(_ runs: [TrackedRun]) -> [String] { Set(runs.flatMap(\.kernels)).sorted() }

  /// The unfinished runs of one side.
  static func unfinished(_ runs: [TrackedRun]) -> [String] {
    var seen: Set<String> = []
    var lines: [String] = []
    for run in runs where seen.insert(run.name).inserted {
      if run.meta.finished == nil { lines.append("\(run.name) is unfinished; comparing the repetitions it has") }
      if let failures = failures(run) { lines.append(failures) }
      lines += run.unmappedLines
    }
    return lines
  }

  /// A sentence on a run's failed repetitions, which are ignored; nil if none failed.
  static func failures(_ run: TrackedRun) -> String? {
    let failed = run.failed
    return failed == 0
      ? nil
      : "\(run.name): \(failed) of \(run.repetitions.count) repetitions failed (see errors in meta.json) and are "
        + "excluded"
  }

  private static func text(_ value: JSONValue?) -> String? {
    guard case .string(let text) = value else { return nil }
    return text
  }
}
