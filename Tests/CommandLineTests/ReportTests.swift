import Foundation
import Machine
import Testing

/// `hintbench report`.
@Suite struct ReportTests {
  /// A small run of the real program.
  private func withRun(_ body: (_ folder: String) throws -> Void) throws {
    try Tool.withFolder { folder in
      let run = try Tool.run(
        "run --guest 128M,256M --state fresh,aged --strategy none,step-iterator,budgeted-resume --repetitions 2 --out "
          + "run",
        in: folder)
      try #require(run.status == 0, "\(run)")
      try body(folder)
    }
  }

  @Test func itWritesThePageAndPrintsWhere() throws {
    try withRun { folder in
      let before = Folder.names(folder + "/run")
      // It measures nothing, so that a debug build may do it.
      let result = try Tool.run(["report", "run"], in: folder, allowDebug: false)
      #expect(result.status == 0, "\(result)")
      #expect(result.outLines == ["run/report.html", "run/report.md"], "\(result)")
      #expect(result.err.isEmpty, "\(result)")
      let made = Set(Folder.names(folder + "/run")).subtracting(before)
      #expect(made.isSuperset(of: ["report.html", "report.md", "report-plots", "report-plots/scan-cost-by-size.svg"]))
      // A run with a report is still a run.
      let again = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(again.status == 0, "\(again)")

      let elsewhere = try Tool.run(["report", "run", "--out", "a/b"], in: folder)
      #expect(elsewhere.outLines == ["a/b/report.html", "a/b/report.md"], "\(elsewhere)")
      #expect(
        Folder.contents(folder + "/a/b") == Folder.contents(folder + "/run").filter { $0.key.hasPrefix("report") })
    }
  }

  @Test func whatIsWrongIsSaidInOneLine() throws {
    try withRun { folder in
      try Folder.write("", to: folder + "/file")
      let before = Folder.names(folder)
      for (arguments, status, says) in [
        (["report"], Int32(64), "dir"), (["report", "run", "run"], 64, "--out"),
        (["report", "run", "run", "--out", "x"], 64, "once"), (["report", "nowhere"], 65, "nowhere"),
        (["report", "file"], 65, "file"), (["report", "run", "--out", "file/below"], 74, "file/below"),
      ] {
        let result = try Tool.run(arguments, in: folder)
        #expect(result.status == status && result.err.contains(says) && result.out.isEmpty, "\(result)")
        if status != 64 { #expect(result.err.split(separator: "\n").count == 1, "\(result)") }
        #expect(Folder.names(folder) == before, "\(result)")
      }
      let without = try Tool.start(
        ["report", "run"], in: folder, shell: "program=$1; shift; PATH=/nowhere; exec \"$program\" \"$@\""
      ).end()
      #expect(without.status == 69 && without.err.contains("gnuplot-nox"), "\(without)")
      #expect(without.err.split(separator: "\n").count == 1)
      #expect(Folder.names(folder) == before)
    }
  }

  /// A browser; `make test` installs it, a plain `swift test` may have none.
  private static let browser = ProgramPath().find("chromium")

  @Test(.enabled(if: browser != nil, "there is no chromium in PATH: make test installs it"))
  func aBrowserShowsEveryPlotWithNothingCutOffOrCovered() throws {
    try withRun { folder in
      let result = try Tool.run(["report", "run"], in: folder)
      try #require(result.status == 0, "\(result)")
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      let plots = page.components(separatedBy: "<svg").count - 1
      #expect(plots >= 5)
      let inspected = page.replacing("</body>", with: Self.inspection + "</body>")
      try Folder.write(inspected, to: folder + "/inspected.html")
      for width in [1200, 600] {
        let dom = try browse(
          ["--dump-dom", "--virtual-time-budget=20000", "--window-size=\(width),4000"], "inspected.html", folder)
        let found = dom.components(separatedBy: "<p class=\"found\">").dropFirst().map {
          $0.components(separatedBy: "</p>")[0].split(separator: "\n").map(String.init)
        }
        #expect(found.count == plots, "\(dom.suffix(2000))")
        for lines in found {
          let sizes = lines.first?.split(separator: " ").compactMap { Int($0) } ?? []
          try #require(sizes.count == 3, "\(lines)")
          // It takes room, and has been drawn in the colours of the strategies, the axes and the paper.
          #expect(sizes[0] > 300 && sizes[1] > 200 && sizes[2] >= 6, "\(lines)")
          // The rest are complaints.
          #expect(lines.count == 1, "\(lines)")
        }
        // Only boxes of their own scroll, not the page.
        #expect(dom.contains("<p id=\"page-fits\">true</p>"), "\(width) wide")
      }

      // It would see it.
      let spoilt = [
        "<text x='2000' y='9'>far</text>", "<text x='9' y='99'>one</text>", "<text x='9' y='99'>two</text>",
      ]
      try Folder.write(
        inspected.replacing("</svg>", with: spoilt.joined() + "</svg>", maxReplacements: 1), to: folder + "/spoilt.html"
      )
      let dom = try browse(
        ["--dump-dom", "--virtual-time-budget=20000", "--window-size=1200,4000"], "spoilt.html", folder)
      #expect(dom.contains("cut off: far") && dom.contains("covered: one by two"))

      let picture = folder + "/page.png"
      _ = try browse(
        ["--screenshot=\(picture)", "--hide-scrollbars", "--window-size=1200,4000"], "run/report.html", folder)
      let png = try Data(contentsOf: URL(fileURLWithPath: picture))
      #expect(png.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
      func number(at place: Int) -> Int { png[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) } }
      #expect(number(at: 16) == 1200 && number(at: 20) == 4000)
      // An empty page of this size is 20 KB.
      #expect(png.count > 100_000, "\(png.count)")
    }
  }

  /// Says of each plot its size and how many colours it is drawn in, then what of its texts is cut off or covered.
  private static let inspection = """
    <script>
    function colours(svg, done) {
      const image = new Image();
      image.onload = () => {
        const canvas = document.createElement('canvas');
        canvas.width = 1040; canvas.height = 900;
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        const bytes = context.getImageData(0, 0, 1040, 900).data;
        const seen = {};
        for (let i = 0; i < bytes.length; i += 4) {
          if (bytes[i + 3] == 255) { const key = bytes[i] << 16 | bytes[i+1] << 8 | bytes[i+2]; seen[key] = (seen[key] || 0) + 1; }
        }
        done(Object.values(seen).filter(count => count > 20).length);
      };
      image.onerror = () => done(0);
      image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(new XMLSerializer().serializeToString(svg));
    }
    window.addEventListener('load', () => {
      const fits = document.createElement('p');
      fits.id = 'page-fits';
      fits.textContent = document.documentElement.scrollWidth <= window.innerWidth;
      for (const svg of document.querySelectorAll('svg')) {
        const box = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim() != '');
        const complaints = [];
        const boxes = texts.map(text => text.getBoundingClientRect());
        boxes.forEach((a, i) => {
          if (a.left < box.left - 1 || a.right > box.right + 1 || a.top < box.top - 1 || a.bottom > box.bottom + 1)
            complaints.push('cut off: ' + texts[i].textContent);
          boxes.slice(i + 1).forEach((b, j) => {
            const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (width > 2 && height > 4)
              complaints.push('covered: ' + texts[i].textContent + ' by ' + texts[i + 1 + j].textContent);
          });
        });
        colours(svg, count => {
          const found = document.createElement('p');
          found.className = 'found';
          found.textContent = [Math.round(box.width) + ' ' + Math.round(box.height) + ' ' + count, ...complaints].join('\\n');
          document.body.append(found);
        });
      }
      document.body.append(fits);
    });
    </script>
    """

  /// What the browser prints of a page.
  private func browse(_ arguments: [String], _ page: String, _ folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
    process.arguments =
      ["--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(folder)/profile"] + arguments
      + ["file://\(folder)/\(page)"]
    let file = folder + "/out.txt"
    try Folder.write("", to: file)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: file)
    process.standardError = FileHandle.nullDevice
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    ended.wait()
    #expect(process.terminationStatus == 0)
    return try String(contentsOfFile: file, encoding: .utf8)
  }
}
