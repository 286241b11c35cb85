import Bench
import Records
import TestSupport
import Testing

@testable import Experiments

/// A published grid of reporting, and the cells that stand beside it.
@Suite struct ReportingPresetTests {
  @Test(arguments: ReportingPreset.all.map(\.name)) func itsCellsHaveItsConditions(name: String) throws {
    let preset = try #require(ReportingPreset.all.first { $0.name == name })
    let matrix = try Matrix(ReportingPreset.config(preset), host: .init(cpus: 2, availableBytes: 64 << 30))
    #expect(matrix.cells.count == preset.settings.count)
    for setting in preset.settings {
      #expect(matrix.cells.count { setting.isSame(as: $0.strategyName) } == 1, "\(setting.strategy)")
      // Their clock started with the build: means lie between nothing and the whole guest.
      #expect(setting.figure.gibMean > 0 && setting.figure.gibMean < Double(preset.guestBytes) / 0x1p30)
    }
    for cell in matrix.cells {
      #expect(cell.options.clock == .virtual && cell.mutators == preset.cpus - 1)
      var run = RecordFixtures.run()
      run.guest.bytes = cell.guest.bytes
      run.guest.cpus = cell.guest.cpus
      run.guest.kernelRules = cell.guest.kernel.rawValue
      run.load.kind = cell.load.rawValue
      #expect(preset.describes(run))
      for change: (inout RunRecord) -> Void in [
        { $0.guest.bytes /= 2 }, { $0.guest.cpus = 4 }, { $0.guest.kernelRules = "6.12" }, { $0.load.kind = "cycles" },
      ] {
        var other = run
        change(&other)
        #expect(!preset.describes(other))
      }
    }
  }

  @Test func aSettingIsKnownByItsOptionsAlone() {
    let setting = PublishedReporting.Setting(
      order: 0, delay: 100, capacity: 32, .init(seconds: 60, systemSeconds: 1, gibMinutes: 2, gibAfterIdle: 1))
    #expect(setting.isSame(as: "page-reporting:order=0:capacity=32:delay=100:share=16:isolate=skip"))
    for other in ["page-reporting:order=0:capacity=32:delay=1000", "bitmap-hinting:order=0:capacity=32:delay=100"] {
      #expect(!setting.isSame(as: other))
    }
    #expect(setting.figure.gibMean == 2)
  }

  @Test func everyPresetHasANameOfItsOwn() throws {
    let names = Preset.all.map(\.name)
    #expect(Set(names).count == names.count && names.contains("v33") && names.contains("hyperalloc"))
    for name in names {
      let preset = try Preset.named(name)
      #expect(try preset.config.experimentCards.map(\.name) == [preset.experiment])
    }
    let error = #expect(throws: UserError.self) { try Preset.named("v0") }
    #expect(error?.kind == .usage && error?.description.contains("v33, hyperalloc") == true)
  }

  /// What `advise` compares, and what its texts may set.
  @Test func theGridTakesTheOptionsOfTheLoad() throws {
    let host = Matrix.HostResources(cpus: 2, availableBytes: 64 << 30)
    let matrix = try Matrix(
      ReportingGrid.config(loads: ["cycles:sleep-ms=0/5000:window=2s", "cache"], guest: "1G"), host: host)
    #expect(Set(matrix.cells.map(\.load)) == [.cycles, .cache])
    let settings = Set(matrix.cells.map(\.strategyName))
    #expect(settings.count == 24 + 4 + 2 && matrix.cells.count == 3 * settings.count)
    for cell in matrix.cells {
      #expect(cell.options.clock == .virtual && cell.mutators == 1)
      #expect(cell.options["window"] == (cell.load == .cycles ? "2s" : "1m"))
      #expect((cell.options["sleep-ms"] != nil) == (cell.load == .cycles))
    }
    for text in ["none", "nothing", "cycles:clock=real", "cycles:load=cache", "cycles:sleep-ms"] {
      let error = #expect(throws: UserError.self) { try ReportingGrid.config(loads: [text], guest: "1G") }
      #expect(error?.kind == .usage, "\(text)")
    }
  }
}
