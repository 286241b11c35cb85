import Hinting
import Records
import Testing

@testable import Bench

@Suite struct StrategyListMatrixTests {
  private func names(_ texts: String..., shared: [String: [String]] = [:]) throws -> [String] {
    try StrategyList.parse(texts, shared: shared).map(\.fullName)
  }

  @Test func theFullNameHasEveryOption() throws {
    #expect(try names("none") == ["none"])
    #expect(try names("step-iterator") == ["step-iterator:step=1:restarts=64"])
    #expect(
      try names("budgeted-resume:check=null") == ["budgeted-resume:budget=1000:restarts=64:check=null"])
  }

  @Test func aSweepIsMultipliedOut() throws {
    #expect(
      try names("step-iterator:step=1/2:restarts=0/5") == [
        "step-iterator:step=1:restarts=0", "step-iterator:step=1:restarts=5", "step-iterator:step=2:restarts=0",
        "step-iterator:step=2:restarts=5",
      ])
  }

  @Test func eachIsTakenOnceInOrder() throws {
    #expect(
      try names("pluck-buffer,none", "none", "step-iterator:step=2/02/+2,step-iterator:step=2") == [
        "pluck-buffer:self=include", "none", "step-iterator:step=2:restarts=64",
      ])
  }

  @Test func sharedValuesGoToWhoHasTheOptionAndDoesNotSetIt() throws {
    #expect(
      try names("none,budgeted-resume,step-iterator,budgeted-resume:budget=7", shared: ["budget": ["1", "2"]]) == [
        "none", "budgeted-resume:budget=1:restarts=64:check=buddy", "budgeted-resume:budget=2:restarts=64:check=buddy",
        "step-iterator:step=1:restarts=64", "budgeted-resume:budget=7:restarts=64:check=buddy",
      ])
    #expect(
      try names("budgeted-resume:budget=1,step-iterator", shared: ["restarts": ["3"]]) == [
        "budgeted-resume:budget=1:restarts=3:check=buddy", "step-iterator:step=1:restarts=3",
      ])
  }

  @Test(arguments: [
    ("", "unknown strategy ''"), ("nope", "unknown strategy 'nope'"), ("none,", "unknown strategy ''"),
    ("None", "unknown strategy 'None'"), ("none:", "invalid option '' of strategy 'none'"),
    ("none:x", "invalid option 'x' of strategy 'none'"),
    ("none:x=1", "unknown option 'x' of strategy 'none': it has none"), ("step-iterator:=1", "'=1'"),
    ("step-iterator:step=", "'step='"),
    ("step-iterator:step=1/", "invalid value ''"), ("step-iterator:step=0", "expected 1..4096"),
    ("step-iterator:step=1:step=2", "given twice"), ("step-iterator:budget=1", "expected one of step, restarts"),
    ("pluck-buffer:self=maybe", "include|exclude"), ("step-iterator:step=1=2", "invalid value '1=2'"),
  ])
  func whatIsWrongIsSaid(text: String, says: String) {
    let error = #expect(throws: UserError.self) { try StrategyList.parse([text]) }
    #expect(error?.kind == .usage)
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
  }

  @Test func aSharedOptionNobodyHasIsRefused() {
    let error = #expect(throws: UserError.self) { try names("none", shared: ["budget": ["1"]]) }
    #expect(error?.description == "unknown option 'budget': no chosen strategy has it")
    #expect(throws: UserError.self) { try names("budgeted-resume", shared: ["budget": ["x"]]) }
  }
}
