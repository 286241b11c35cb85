import Records

/// Where a capture is, as the command line and a configuration name it.
public struct CaptureFiles: Hashable, Sendable {
  /// A folder, an archive, a file of several, or `-`, in which the rest is looked for.
  public var capture: String?
  public var buddyinfo: String?
  public var pagetypeinfo: String?
  public var zoneinfo: String?
  /// A kernel's log with what it prints of free memory, or `-`.
  public var showMem: String?
  /// Which of several copies in a file, from 1; nil: the last.
  public var nth: Int?
  /// A kernel's lists, block by block.
  public var lists: String?

  public init(
    capture: String? = nil, buddyinfo: String? = nil, pagetypeinfo: String? = nil, zoneinfo: String? = nil,
    showMem: String? = nil, nth: Int? = nil, lists: String? = nil
  ) {
    self.capture = capture
    self.buddyinfo = buddyinfo
    self.pagetypeinfo = pagetypeinfo
    self.zoneinfo = zoneinfo
    self.showMem = showMem
    self.nth = nth
    self.lists = lists
  }

  /// The given flags, by name; the first names the capture in messages.
  public var flags: [String] {
    let all: [(String, Bool)] = [
      ("--lists", lists != nil), ("--capture", capture != nil), ("--show-mem", showMem != nil),
      ("--buddyinfo", buddyinfo != nil), ("--pagetypeinfo", pagetypeinfo != nil), ("--zoneinfo", zoneinfo != nil),
      ("--nth", nth != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Whether it comes from standard input, which can't be read a second time.
  public var isPiped: Bool {
    [lists, capture, showMem, buddyinfo, pagetypeinfo, zoneinfo].contains(CaptureText.standardInputPath)
  }

  /// The path that stands for the capture in messages; nil if none is given.
  public var name: String? { lists ?? capture ?? showMem ?? buddyinfo ?? pagetypeinfo }

  /// Refuses what doesn't go together.
  ///
  /// - Throws: ``UserError`` of kind usage.
  public func check() throws(UserError) {
    let flags = flags
    guard let first = flags.first else { return }
    for alone in ["--lists", "--capture"] where first == alone {
      guard let other = flags.dropFirst().first(where: { alone == "--lists" || $0 != "--nth" }) else { continue }
      throw .usage("\(alone) can't be combined with \(other): it has all of a capture")
    }
    if showMem != nil, let other = flags.first(where: { $0 == "--buddyinfo" || $0 == "--pagetypeinfo" }) {
      throw .usage("--show-mem can't be combined with \(other): each has the free blocks")
    }
    if first == "--zoneinfo" { throw .usage("--zoneinfo needs --buddyinfo, --pagetypeinfo or --show-mem") }
    if nth != nil, showMem == nil, capture == nil { throw .usage("--nth needs --show-mem or --capture") }
    if let nth, nth < 1 { throw .usage("invalid --nth \(nth): expected 1 or more") }
  }

  /// Reads the capture.
  ///
  /// - Throws: ``UserError``: usage as ``check()``, otherwise what the capture's error is.
  public func read() throws(UserError) -> CaptureReading {
    try check()
    do {
      if let lists { return CaptureReading(of: try Capture.read(lists: lists)) }
      if let capture { return try CaptureFinder.read(capture, nth: nth) }
      var texts = CaptureReading.Texts(nth: nth)
      texts.buddyinfo = try buddyinfo.map(CaptureText.load)
      texts.pagetypeinfo = try pagetypeinfo.map(CaptureText.load)
      texts.zoneinfo = try zoneinfo.map(CaptureText.load)
      texts.showMem = try showMem.map(CaptureText.load)
      return try CaptureReading(texts)
    } catch let error as UserError {
      throw error
    } catch {
      let kind = (error as? any UserFacing)?.failureKind ?? .fault
      throw UserError(kind, "\(error)")
    }
  }
}
