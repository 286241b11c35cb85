import Foundation

/// An empty folder for the time of the call.
public func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  // In memory where that is possible: what is flushed to a disk thousands of times takes minutes.
  let memory = URL(fileURLWithPath: "/dev/shm")
  let place = access(memory.path, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory
  let url = place.appendingPathComponent("hintbench-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}
