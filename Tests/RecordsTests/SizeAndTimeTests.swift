import Testing

@testable import Records

@Suite struct SizeAndTimeMatrixTests {
  @Test(
    arguments: [
      ("1", 1), ("4096", 4096), ("1K", 1 << 10), ("512M", 512 << 20), ("8G", 8 << 30), ("8g", 8 << 30),
      ("1.5T", 3 << 39), ("0.5K", 512), ("4P", 4 << 50), (".5G", 1 << 29),
    ] as [(String, UInt64)])
  func sizes(text: String, bytes: UInt64) throws {
    #expect(try ByteSize(text).bytes == bytes)
  }

  @Test(arguments: [
    "", "G", "8GG", "-8G", "+8G", "1e3G", "0", "0G", "0.0001", "nan", "inf", "0x10", "8 G", " 8G", "8.G.", "1,5G", "8E",
    "999999P", "8B", "８G",
  ])
  func whatIsNoSize(text: String) {
    let error = #expect(throws: UserError.self) { try ByteSize(text) }
    #expect(error?.kind == .usage && error?.description.contains("'\(text)'") == true)
  }

  @Test func sizesAreWrittenAsTheyAreRead() throws {
    for text in ["1K", "512M", "8G", "1.5T", "4P", "1023", "100T"] { #expect("\(try ByteSize(text))" == text) }
    #expect("\(ByteSize(bytes: 0))" == "0")
    #expect("\(ByteSize(bytes: (8 << 30) + 1))" == "8G")
  }

  @Test(arguments: [
    ("100ns", 100), ("1us", 1e3), ("1.5ms", 1.5e6), ("30s", 30e9), ("5m", 300e9), ("1h", 3600e9), ("0.1ns", 0.1),
  ])
  func times(text: String, nanoseconds: Double) throws {
    #expect(try TimeSpan(text).nanoseconds == nanoseconds)
  }

  @Test(arguments: [
    "", "s", "5", "-5s", "0s", "1e3s", "5 s", "5S", "5min", "nans", "1001h", "9999999999999999h", "5ss",
  ])
  func whatIsNoTime(text: String) {
    let error = #expect(throws: UserError.self) { try TimeSpan(text) }
    #expect(error?.kind == .usage && error?.description.contains("'\(text)'") == true)
  }

  @Test func timesAreWrittenAsTheyAreRead() throws {
    for text in ["100ns", "50us", "2.5ms", "30s", "5m", "2h"] { #expect("\(try TimeSpan(text))" == text) }
  }
}
