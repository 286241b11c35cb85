import CHost
import Foundation
import Instruments
import Machine
import Records
import Synchronization

// Whether the figures of the longest hold are what they say, on this machine: a hold of known work is planted among many
// short ones, and a second thread on the same CPU takes it away now and then. Repetitions without that thread, made by
// turns with those beside it, say how long the planted work really takes.
//
// Prints the bias of the figures by the number of repetitions, and how often the verdict against a limit 10 % above and
// below the truth was wrong. Exit status 1 if the strategy's own longest hold is off by more than 3 %, or if more than 5 %
// of the verdicts are wrong.

let holds = 400
let planted = 123
let shortWork = 60
let plantedWork = 3000
let most = 60
let groups = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 40

/// Work that takes longer if its thread is preempted: a number of steps, not a time.
@inline(never)
func work(_ steps: Int) {
  for _ in 0..<steps { chost_pause() }
}

/// Takes the CPU away at random moments while asked to.
final class Noise: Sendable {
  private let isWanted = Atomic(false)
  private let hasEnded = Atomic(false)

  init(onCPU cpu: Int) {
    let thread = Thread { [self] in
      try? ThreadPlacement.pin(toCPU: cpu)
      while !hasEnded.load(ordering: .relaxed) {
        usleep(UInt32.random(in: 300...3000))
        guard isWanted.load(ordering: .relaxed) else { continue }
        let end = MonotonicClock.nanoseconds() + UInt64.random(in: 20_000...400_000)
        while MonotonicClock.nanoseconds() < end {}
      }
    }
    thread.start()
  }

  func want(_ wanted: Bool) { isWanted.store(wanted, ordering: .relaxed) }
  func end() { hasEnded.store(true, ordering: .relaxed) }
}

/// The holds of one repetition.
struct Repetition {
  var sequence: HoldSequence
  var undisturbedMax: Double?
  var max: Double
  var preempted: Int
}

func repetition(_ log: HoldLog) -> Repetition {
  log.reset()
  withExtendedLifetime(log) {
    var probe = log.probe()
    for hold in 0..<holds {
      let steps = hold == planted ? plantedWork : shortWork
      probe.willAcquire()
      probe.didAcquire()
      work(steps)
      probe.willRelease()
      probe.didRelease(zone: 0, items: steps)
    }
  }
  let summary = log.summary()
  return Repetition(
    sequence: summary.holdSequence, undisturbedMax: summary.undisturbedMax, max: summary.hold.max ?? 0,
    preempted: summary.preempted ?? 0)
}

func median(_ values: [Double]) -> Double { MedianInterval.median(sorted: values.sorted()) ?? .nan }

func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

func percent(_ value: Double) -> String {
  let text = String(format: "%+.2f %%", 100 * value)
  return String(repeating: " ", count: max(0, 10 - text.count)) + text
}

let cpu = try ThreadPlacement.allowedCPUs().first ?? 0
try ThreadPlacement.pin(toCPU: cpu)
let log = try HoldLog(capacity: holds)
log.prefault(samples: holds)
_ = CycleClock.nanosecondsPerTick
let noise = Noise(onCPU: cpu)

var quiet: [Double] = []
var noisy: [Repetition] = []
for _ in 0..<(groups * most) {
  noise.want(false)
  let undisturbed = repetition(log)
  if undisturbed.preempted == 0 {
    quiet.append(CycleClock.nanoseconds(fromTicks: undisturbed.sequence.lengths[planted]))
  }
  noise.want(true)
  noisy.append(repetition(log))
}
noise.end()

// What a quiet hold takes drifts with the machine, and its median is over the same minutes.
let truth = median(quiet)
let hit = noisy.count { $0.preempted > 0 }
print("planted hold: \(String(format: "%.1f", truth / 1000)) µs (median of \(quiet.count) quiet repetitions)")
print("noise: \(hit) of \(noisy.count) repetitions had a preempted hold, at most \(noisy.map(\.preempted).max() ?? 0)")
print("bias of, by repetitions N: own = own longest hold; median = median of the longest without preempted holds;")
print("all = median of the longest of all holds; max = the longest of all repetitions")
print("   N        own     median        all        max   wrong verdicts at 0.9 and 1.1 of the truth")
var fails = false
for count in [3, 5, 10, 30, 60] {
  var own: [Double] = []
  var undisturbed: [Double] = []
  var all: [Double] = []
  var longest: [Double] = []
  var wrong = 0
  var verdicts = 0
  for start in stride(from: 0, to: noisy.count - count + 1, by: count) {
    let part = noisy[start..<start + count]
    var figure = OwnLongestHold()
    for repetition in part { figure.add(repetition.sequence) }
    if let value = figure.value { own.append(CycleClock.nanoseconds(fromTicks: 1) * value / truth - 1) }
    let lengths = part.compactMap(\.undisturbedMax)
    if !lengths.isEmpty { undisturbed.append(median(lengths) / truth - 1) }
    all.append(median(part.map(\.max)) / truth - 1)
    longest.append((part.map(\.max).max() ?? 0) / truth - 1)
    for (limit, right) in [(0.9, HoldLimitVerdict.beyond), (1.1, .within)] {
      guard let check = HoldLimitCheck(longest: lengths, limit: limit * truth) else { continue }
      verdicts += 1
      if check.verdict != right && check.verdict != .notEnoughData { wrong += 1 }
    }
  }
  let bias = mean(own)
  if abs(bias) > 0.03 || Double(wrong) > 0.05 * Double(verdicts) { fails = true }
  let number = String(repeating: " ", count: 4 - "\(count)".count) + "\(count)"
  print(
    "\(number) \(percent(bias)) \(percent(mean(undisturbed))) \(percent(mean(all))) \(percent(mean(longest)))   "
      + "\(wrong) of \(verdicts)")
}
exit(fails ? 1 : 0)
