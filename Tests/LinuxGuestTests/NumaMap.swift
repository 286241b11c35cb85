/// What `/proc/PID/numa_maps` says of memory that was bound to one node: see numa(7).
struct NumaMap: CustomStringConvertible {
  /// One mapping.
  struct Binding: CustomStringConvertible {
    /// The node it is bound to.
    var node: Int
    /// How many of its pages lie on which node.
    var pages: [Int: Int]
    var description: String
  }

  var bindings: [Binding]

  /// Lines as `7f5c2c000000 bind:1 anon=512 dirty=512 N1=512 kernelpagesize_kB=4`; others are left out.
  init(_ text: String) {
    bindings = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let policy = words.first(where: { $0.hasPrefix("bind:") }), let node = Int(policy.dropFirst(5)) else {
        return nil
      }
      let counts = words.compactMap { word -> (Int, Int)? in
        let parts = word.split(separator: "=")
        guard parts.count == 2, parts[0].first == "N", let node = Int(parts[0].dropFirst()), let count = Int(parts[1])
        else { return nil }
        return (node, count)
      }
      return Binding(node: node, pages: Dictionary(counts, uniquingKeysWith: +), description: String(line))
    }
  }

  /// Those with a page on another node than theirs.
  var misplaced: [Binding] { bindings.filter { !Set($0.pages.keys).isSubset(of: [$0.node]) } }

  /// Pages that lie on the node, whatever they were bound to.
  func pages(ofNode node: Int) -> Int { bindings.reduce(0) { $0 + ($1.pages[node] ?? 0) } }

  var description: String { bindings.map(\.description).joined(separator: "\n") }
}
