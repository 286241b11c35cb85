/// Runs several launches at the same time, of which one measures at a time.
enum TurnTaking {
  /// Starts `count` launches one by one, each once the previous one waits for its first turn or has ended, and gives
  /// them turns in order, round after round, until all have ended. An error ends them all.
  ///
  /// - Parameters:
  ///   - start: starts the launch of a place, from 0.
  ///   - ended: called as soon as the launch of a place has succeeded.
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
