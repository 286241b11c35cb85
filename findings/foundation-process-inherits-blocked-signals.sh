#!/usr/bin/env bash
# Foundation's Process on Linux gives a child the signal mask of the thread that calls run(). A Dispatch worker thread,
# and so every thread of Swift concurrency, has nearly all signals blocked: a child started from an async function or a
# queue can't be ended with Ctrl-C or SIGTERM, unless it unblocks them itself. From the main thread the same call gives a
# child that can. Nothing in the documentation of Process tells the two apart. posix_spawn() with POSIX_SPAWN_SETSIGMASK
# and an empty mask is what helps.
#
# Needs a Swift toolchain in PATH (seen with Swift 6.3.1 on Debian 12) and installs nothing. Exit status: 0 if it is so,
# 1 if that changed, 2 if it can't be tried here.
set -euo pipefail
command -v swiftc >/dev/null || { echo "no swiftc in PATH" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
swift --version 2>/dev/null | head -1

cat >"$folder/main.swift" <<'SWIFT'
import Dispatch
import Foundation

/// The signals that are blocked in a child, as a mask: bit 1 is SIGINT, bit 14 SIGTERM.
func blockedInChild() -> UInt64 {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: "/bin/grep")
  process.arguments = ["SigBlk", "/proc/self/status"]
  process.standardOutput = pipe
  try! process.run()
  let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return UInt64(text.split(separator: "\t").last!.trimmingCharacters(in: .whitespacesAndNewlines), radix: 16)!
}

let onMain = blockedInChild()

nonisolated(unsafe) var onWorker: UInt64 = 0
let done = DispatchSemaphore(value: 0)
DispatchQueue.global().async {
  onWorker = blockedInChild()
  done.signal()
}
done.wait()
func words(_ mask: UInt64) -> String {
  "SIGINT \(mask & 1 << 1 != 0 ? "blocked" : "free"), SIGTERM \(mask & 1 << 14 != 0 ? "blocked" : "free")"
}
print("child of the main thread:       \(words(onMain))")
print("child of a Dispatch worker:     \(words(onWorker))")
let both: UInt64 = 1 << 1 | 1 << 14
exit(onMain & both == 0 && onWorker & both == both ? 0 : 1)
SWIFT

swiftc -o "$folder/try" "$folder/main.swift"
if "$folder/try"; then
  echo "as found: a child of a Dispatch worker has SIGINT and SIGTERM blocked"
else
  echo "changed: it isn't so here"
  exit 1
fi
