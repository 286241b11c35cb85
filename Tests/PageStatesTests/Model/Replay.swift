@testable import PageStates

/// Why a program was left in the middle.
enum Interruption: Error {
  /// It has done one step, and this is the next.
  case atNextStep
  /// It waits for something.
  case blocked
}

/// One more step of a program that is a function of what its steps have returned so far.
///
/// The program runs from its beginning: steps it has done before return what they returned then and do nothing, the
/// next one is done on the memory, and at the one after it is left. So the very code that runs in earnest is what is
/// checked.
struct Replay<Memory> {
  var memory: Memory
  /// What the program's steps have returned.
  var log: [UInt8]
  private var place = 0
  private var isDone = false

  init(_ memory: Memory, _ log: [UInt8]) {
    self.memory = memory
    self.log = log
  }

  /// A step. `effect` returns nil if it has to wait.
  mutating func step(_ effect: (inout Memory) -> UInt8?) throws(Interruption) -> UInt8 {
    if place < log.count {
      place += 1
      return log[place - 1]
    }
    if isDone { throw .atNextStep }
    guard let value = effect(&memory) else { throw .blocked }
    isDone = true
    log.append(value)
    place += 1
    return value
  }
}
