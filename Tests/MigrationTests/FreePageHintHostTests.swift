import Migration
import Testing

@Suite struct FreePageHintHostTests {
  private typealias Status = FreePageHintHost.Status

  @Test func aSessionStartsByItsOwnIDOnly() {
    var host = FreePageHintHost()
    host.begin()
    #expect(host.id == 0x8000_0001 && host.configID == host.id && !host.isAccepting)
    for other in [host.id - 1, host.id + 1, FreePageHintHost.stopID, FreePageHintHost.doneID] {
      host.command(other)
      #expect(host.status == .requested, "\(other)")
    }
    host.command(host.id)
    #expect(host.isAccepting)
  }

  @Test func anyOtherCommandEndsASessionThatWasStarted() {
    for other in [FreePageHintHost.stopID, 0x8000_0001, .max] {
      var host = FreePageHintHost(lastID: 0x8000_0005)
      host.begin()
      host.command(host.id)
      host.command(other)
      #expect(host.status == .stop && host.configID == 0)
      host.command(host.id)
      #expect(host.status == .stop, "an id starts one session")
    }
  }

  @Test func aLateStopOfTheSessionBeforeEndsNothing() {
    var host = FreePageHintHost()
    host.begin()
    host.command(host.id)
    host.stop()
    host.begin()
    host.command(FreePageHintHost.stopID)
    #expect(host.status == .requested)
  }

  @Test func idsWrapAboveTheCommands() {
    var host = FreePageHintHost(lastID: .max)
    host.begin()
    #expect(host.id == 0x8000_0000)
    host.begin()
    #expect(host.id == 0x8000_0001)
  }

  @Test func afterTheEndNothingStarts() {
    var host = FreePageHintHost()
    host.begin()
    host.finish()
    host.command(host.id)
    host.stop()
    #expect(host.status == .done && host.configID == 1)
  }

  /// Every sequence of six calls: hints are accepted only in a session whose id the guest has named since it began.
  @Test func hintsAreAcceptedOnlyWithinASessionThatTheGuestAnswered() {
    func visit(_ host: FreePageHintHost, _ answered: Bool, _ left: Int) {
      #expect(host.isAccepting == answered)
      guard left > 0 else { return }
      var next = host
      next.begin()
      visit(next, false, left - 1)
      next = host
      next.stop()
      visit(next, false, left - 1)
      next = host
      next.finish()
      visit(next, false, left - 1)
      for id in [host.id, host.id - 1, FreePageHintHost.stopID] {
        next = host
        next.command(id)
        visit(next, host.status == .requested && id == host.id, left - 1)
      }
    }
    visit(FreePageHintHost(lastID: 0x8000_0100), false, 6)
  }
}
