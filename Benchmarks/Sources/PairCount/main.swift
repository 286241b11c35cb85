import Fixtures
import GuestMemory

import func Glibc.exit

// Allocates and frees on a guest without hooks, so many times and nothing else: for counting instructions under valgrind. Two
// runs, one twice as long as the other, differ by the loop alone. See README.md, "A guest without hooks".
//
// Written so that it compiles against revisions from before there were hooks.

/// One block taken and given back, `count` times.
@inline(never)
func pairs(_ guest: Guest, order: Int, count: Int) -> Bool {
  var cpu = GuestFixture.cpu(guest)
  for _ in 0..<count {
    guard let pfn = cpu.allocate(order: order, .userMovable) else { return false }
    cpu.free(pfn: pfn, order: order)
  }
  return true
}

/// 2047 blocks of all orders taken, half of them of order 0, and given back, `count` times: AllocationLoop.churn().
@inline(never)
func churn(_ guest: Guest, count: Int) -> Bool {
  var cpu = GuestFixture.cpu(guest)
  let blocks = 2047
  let held = UnsafeMutablePointer<UInt64>.allocate(capacity: blocks)
  defer { held.deallocate() }
  for _ in 0..<count {
    for index in 0..<blocks {
      guard let pfn = cpu.allocate(order: (index &+ 1).trailingZeroBitCount, .userMovable) else { return false }
      held[index] = pfn
    }
    for start in 0..<2 {
      for index in stride(from: start, to: blocks, by: 2) {
        cpu.free(pfn: held[index], order: (index &+ 1).trailingZeroBitCount)
      }
    }
  }
  return true
}

func usage() -> Never {
  print("usage: PairCount (ORDER | churn) COUNT")
  exit(64)
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count == 2, let count = Int(arguments[1]), count > 0 else { usage() }
GuestFixture.refuseDebugBuild()
let guest = GuestFixture.fresh(bytes: GuestFixture.gibibyte)
let done: Bool
if arguments[0] == "churn" {
  done = churn(guest, count: count)
} else {
  guard let order = Int(arguments[0]) else { usage() }
  done = pairs(guest, order: order, count: count)
}
if !done { fatalError("the guest ran out of memory") }
