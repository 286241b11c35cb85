/// Launches that are there at once, of which one measures at a time.
enum TurnTaking {
  /// Starts `count` launches one by one, each when the one before waits for its first turn or has ended, and gives them
  /// turns by their places, round after round, until all have ended. What is thrown ends them all.
  ///
  /// - Parameters:
  ///   - start: launches the one of a place, from 0.
  ///   - ended: called as soon as the one of a place has ended well.
  static func run(_ count: Int, start: (Int) throws -> Launch, ended: (Int) throws -> Void) throws {
    var launches: [Launch] = []
    func goOn(_ place: Int) throws {
      try launches[place].goOn()
      if !launches[place].isWaiting { try ended(place) }
    }
    for place in 0..<count {
      launches.append(try start(place))
      try goOn(place)
    }
    while launches.contains(where: \.isWaiting) {
      for place in launches.indices where launches[place].isWaiting { try goOn(place) }
    }
  }
}
