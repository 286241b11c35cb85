import Records
import Testing

@Suite("Names of cells")
struct CellIDTests {
  static let values: [(name: String, value: String?)] = [
    ("experiment", "scan"), ("strategy", "page-reporting:order=9"), ("guest_bytes", "8589934592"), ("nodes", "1"),
    ("state", "fresh"), ("budget", nil), ("load", "none"), ("mutators", "0"),
  ]

  @Test("the name of a cell never changes: histories are matched on it")
  func stable() {
    // Computed once, by another program.
    #expect(CellID.make(from: []) == "cbf29ce484222325")
    #expect(CellID.make(from: Self.values) == "af921272ac918d34")
  }

  @Test("the order of the values doesn't matter")
  func order() {
    #expect(CellID.make(from: Self.values.reversed()) == CellID.make(from: Self.values))
  }

  @Test("every name and every value matters")
  func sensitive() {
    var names: Set<String> = [CellID.make(from: Self.values)]
    var count = 1
    for index in Self.values.indices {
      var changed = Self.values
      changed[index].value = (changed[index].value ?? "") + "x"
      names.insert(CellID.make(from: changed))
      changed[index].value = ""
      names.insert(CellID.make(from: changed))
      changed = Self.values
      changed[index].name += "x"
      names.insert(CellID.make(from: changed))
      changed.remove(at: index)
      names.insert(CellID.make(from: changed))
      count += 4
    }
    #expect(names.count == count)
  }

  @Test("a value can't run over into the next name")
  func separation() {
    #expect(
      CellID.make(from: [("a", "b"), ("c", "d")]) != CellID.make(from: [("a", "bc"), ("", "d")]))
    #expect(CellID.make(from: [("a", nil)]) != CellID.make(from: [("a", "")]))
    #expect(CellID.make(from: [("a", "1"), ("b", "2")]) != CellID.make(from: [("a", "2"), ("b", "1")]))
    #expect(CellID.make(from: Self.values).count == 16)
  }
}
