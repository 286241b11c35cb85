import Testing

@testable import LinuxGuest

@Suite struct GuestReportTests {
  /// Two commands and a file, whose contents look like the report's own lines.
  private static let whole = Array(
    "begin\nresult 0 4 0\nend\nresult 130 0 13\nresult 0 0 0\nfile 7 /a b\ncommandend\n".utf8)

  @Test func whatCommandsLeftIsReadBack() throws {
    let report = try GuestReport(Self.whole)
    #expect(report.isComplete)
    #expect(
      report.results == [
        .init(status: 0, standardOutput: Array("end\n".utf8), standardError: []),
        .init(status: 130, standardOutput: [], standardError: Array("result 0 0 0\n".utf8)),
      ])
    #expect(report.files == ["/a b": Array("command".utf8)])
  }

  @Test func aReportCutOffAnywhereIsReadAsFarAsItGoes() throws {
    let whole = try GuestReport(Self.whole)
    for length in 0..<Self.whole.count {
      let report = try GuestReport(Array(Self.whole.prefix(length)))
      #expect(!report.isComplete)
      #expect(report.results == Array(whole.results.prefix(report.results.count)))
      #expect(report.files.isEmpty || report.files == whole.files)
    }
  }

  @Test func itTellsWhatTheGuestWasAt() throws {
    func phase(_ text: String) throws -> String { try GuestReport(Array(text.utf8)).phase(of: ["one", "two"]) }
    #expect(try phase("") == "boot")
    #expect(try phase("begin\n") == "command 1 of 2, one")
    #expect(try phase("begin\nresult 0 0 0\n") == "command 2 of 2, two")
    #expect(try phase("begin\nresult 0 0 0\nresult 0 5 0\nab") == "command 2 of 2, two")
    #expect(try phase("begin\nresult 0 0 0\nresult 0 0 0\n") == "the return of files")
    #expect(try phase("begin\nresult 0 0 0\nresult 0 0 0\nend\n") == "power off")
  }

  @Test(arguments: [
    "hello\n", "result 0 0 0\n", "begin\nbegin\n", "begin\nresult 0 -1 0\n", "begin\nresult 0 0\n",
    "begin\nresult 0 0 0 0\n", "begin\nfile x /a\n", "begin\nfile 1\n", "end\n", "begin\nend\nmore\n", "begin\n\n",
  ]) func whatIsNoReportIsRefused(_ text: String) {
    #expect(throws: LinuxGuestError.self) { try GuestReport(Array(text.utf8)) }
  }
}
