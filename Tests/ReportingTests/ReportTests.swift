import Foundation
import Machine
import Records
import Testing

@testable import Reporting

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The files of a report, drawn by the real gnuplot.
@Suite("A report's files", .serialized)
struct ReportTests {
  private func withReport(_ body: (_ folder: String, _ html: String, _ markdown: String) throws -> Void) throws {
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run)
      let paths = try Report(of: [run]).write(to: run)
      #expect(paths == [run + "/report.html", run + "/report.md"])
      try body(run, RunFixtures.text(paths[0]), RunFixtures.text(paths[1]))
    }
  }

  private func matches(_ pattern: String, _ text: String) throws -> [String] {
    let regex = try NSRegularExpression(pattern: pattern)
    return regex.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap { match in
      Range(match.range(at: match.numberOfRanges - 1), in: text).map { String(text[$0]) }
    }
  }

  @Test("the page needs nothing beside it, and what users wrote is text in it")
  func page() throws {
    try withReport { _, html, _ in
      #expect(try matches("<(?:script|link|iframe|object|embed|img|base)\\b", html) == [])
      #expect(try matches("\\b(?:src|srcset|action|poster)\\s*=", html) == [])
      #expect(try matches("@import|url\\(\\s*['\"]?(?!#)", html) == [])
      // All references lead into the page itself; the namespaces of SVG are names.
      let references = try matches("\\bhref\\s*=\\s*['\"]([^'\"]*)", html)
      #expect(references.count > 20 && references.allSatisfy { $0.hasPrefix("#") })
      let ids = try matches("\\sid\\s*=\\s*['\"]([^'\"]*)", html)
      #expect(ids.count > 50 && Set(ids).count == ids.count)
      #expect(Set(references.map { String($0.dropFirst()) }).isSubset(of: Set(ids)))
      #expect(!html.contains("<b>x</b>") && html.contains("&lt;b&gt;x&lt;/b&gt;"))
      #expect(html.contains("&lt;script&gt;alert("))
      #expect(html.contains("h&lt;o&gt;st") && html.contains("A &amp; B"))
      #expect(html.contains("30.0 ns (29.0–31.0) (queued lock)"))
    }
  }

  @Test("each picture is well-formed XML that says what it shows")
  func pictures() throws {
    try withReport { folder, html, _ in
      let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/report-plots").sorted()
      #expect(names.count >= 5 && names.allSatisfy { $0.hasSuffix(".svg") }, "\(names)")
      for name in names {
        let text = try RunFixtures.text(folder + "/report-plots/" + name)
        let root = try #require(try XMLDocument(data: Data(text.utf8)).rootElement(), "\(name)")
        func attribute(_ name: String, of node: XMLElement) -> String? {
          node.attributes?.first { $0.name == name }?.stringValue
        }
        #expect(root.name == "svg" && attribute("role", of: root) == "img")
        let title = try #require(root.elements(forName: "title").first)
        #expect(title.stringValue?.isEmpty == false)
        let id = try #require(attribute("id", of: title))
        #expect(attribute("aria-labelledby", of: root) == id)
        // The strategy's name is drawn as it is: gnuplot took nothing of it for its own.
        if name.contains("cost") {
          #expect(text.contains("&lt;b>x&lt;/b>&amp;'") && text.contains("_*`date`$x%d#{}\\n"))
        }
        #expect(
          html.contains(
            text.dropFirst(text.firstIndex(of: "\n").map { text.distance(from: text.startIndex, to: $0) + 1 } ?? 0)
              .trimmingCharacters(in: .newlines)))
      }
    }
  }

  @Test("the Markdown has the same figures, its links lead somewhere, and its tables are whole")
  func markdown() throws {
    try withReport { folder, html, markdown in
      let links = try matches("!\\[[^\\n]*\\]\\(([^)]*)\\)", markdown)
      #expect(links.count == html.components(separatedBy: "<svg").count - 1 && links.count >= 5)
      for link in links { #expect(FileManager.default.fileExists(atPath: folder + "/" + link), "\(link)") }
      #expect(!markdown.contains("<b>") && !markdown.contains("<script"))
      // As many fields in each row of a table as in its header.
      var fields: Int?
      for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
        guard line.hasPrefix("|") else {
          fields = nil
          continue
        }
        let count = String(line).replacing("\\|", with: "").count { $0 == "|" }
        #expect(fields == nil || fields == count, "\(line)")
        fields = count
      }
    }
  }

  @Test("a report replaces the one before and leaves nothing else behind")
  func replaces() throws {
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run, sizes: [(8 << 30, 0)], states: ["fresh"])
      let before = Set(try FileManager.default.contentsOfDirectory(atPath: run))
      let report = try Report(of: [run])
      _ = try report.write(to: run)
      let first = try RunFixtures.snapshot(run)
      // Of a former report with other figures, and of one that was killed.
      try RunFixtures.write(Array("old".utf8), to: run + "/report-plots/old.svg")
      try RunFixtures.write(Array("old".utf8), to: run + "/report.html")
      try FileManager.default.createDirectory(atPath: run + "/report-plots.tmp", withIntermediateDirectories: false)
      try RunFixtures.write(Array("torn".utf8), to: run + "/report-plots.tmp/scan-x.svg.tmp")
      _ = try report.write(to: run)
      #expect(try RunFixtures.snapshot(run) == first)
      let made = Set(try FileManager.default.contentsOfDirectory(atPath: run)).subtracting(before)
      #expect(made == ["report.html", "report.md", "report-plots"])
      // Elsewhere, in a folder that isn't there.
      #expect(try report.write(to: folder + "/a/b") == [folder + "/a/b/report.html", folder + "/a/b/report.md"])
    }
  }

  @Test("without gnuplot, and where it fails, it says so and writes nothing")
  func gnuplotFails() throws {
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run, sizes: [(8 << 30, 0)], states: ["fresh"])
      let before = try RunFixtures.snapshot(run)
      func error(_ path: ProgramPath) throws -> UserError {
        try #require(throws: UserError.self) { try Report(of: [run], path: path).write(to: run) }
      }
      let missing = try error(ProgramPath(folder))
      #expect(missing.exitStatus == 69 && missing.description.contains("gnuplot-nox"))

      let program = folder + "/gnuplot"
      for (script, says) in [
        ("echo 'no such terminal' >&2; echo more >&2; exit 3", "no such terminal more"),
        ("echo no picture", "no SVG"), ("kill -9 $$", "failed"),
      ] {
        try RunFixtures.write(Array("#!/bin/sh\n\(script)\n".utf8), to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        let failed = try error(ProgramPath(folder))
        #expect(failed.exitStatus == 69 && failed.description.contains(says), "\(failed)")
        #expect(!failed.description.contains("\n"))
      }
      #expect(try RunFixtures.snapshot(run) == before)
    }
  }

  @Test("a run named twice, and a folder that is none, are refused")
  func refuses() throws {
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run, sizes: [(8 << 30, 0)], states: ["fresh"])
      #expect(#expect(throws: UserError.self) { try Report(of: [run, run]) }?.exitStatus == 64)
      #expect(#expect(throws: UserError.self) { try Report(of: [folder]) }?.exitStatus == 65)
      try RunFixtures.write(Array("x".utf8), to: folder + "/file")
      let report = try Report(of: [run])
      #expect(#expect(throws: UserError.self) { try report.write(to: folder + "/file/below") }?.exitStatus == 74)
    }
  }
}
