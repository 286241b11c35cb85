import Foundation

/// Reads hand-written, checked-in JSON files and reports errors with their line.
public enum StrictJSON {
  /// Reads a file. `accepted`: the expected content, for the message.
  ///
  /// - Throws: ``UserError`` (74 if the file can't be read, 65 if it is invalid).
  public static func read<Value: Decodable>(
    _ path: String, accepted: String, userInfo: [CodingUserInfoKey: any Sendable] = [:]
  ) throws(UserError) -> Value {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw UserError(.io, "\(path): can't read: expected a readable file")
    }
    let decoder = JSONDecoder()
    decoder.userInfo = userInfo
    do { return try decoder.decode(Value.self, from: data) } catch {
      let (line, what) = describe(error, in: data)
      throw UserError(.input, "\(path):\(line): \(what); expected \(accepted)")
    }
  }

  /// Refuses unknown keys, so that a misspelt key isn't ignored. `former`: keys that are still read but not named in
  /// the message.
  public static func refuseUnknownKeys(_ decoder: any Decoder, _ known: [String], former: [String] = []) throws {
    struct AnyKey: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys
    where !known.contains(key.stringValue) && !former.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath + [key],
          debugDescription:
            "unknown key '\(key.stringValue)': expected one of \(known.sorted().joined(separator: ", "))"))
    }
  }

  private static func describe(_ error: any Error, in data: Data) -> (line: Int, what: String) {
    switch error as? DecodingError {
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return (lineOfSyntaxError(in: data), "not JSON")
    case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
      .valueNotFound(_, let context):
      let place = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
      let what = (place.isEmpty ? "" : "at \(place): ") + context.debugDescription.replacing("\n", with: " ")
      return (JSONPlace.line(of: context.codingPath, in: data), what)
    default: return (1, "\(error)")
    }
  }

  /// The line of a syntax error. JSONDecoder doesn't report it; JSONSerialization reports the character.
  private static func lineOfSyntaxError(in data: Data) -> Int {
    do {
      _ = try JSONSerialization.jsonObject(with: data)
      return 1
    } catch {
      let text = (error as NSError).userInfo["NSDebugDescription"] as? String ?? ""
      let number = text.firstMatch(of: /character (\d+)/).flatMap { Int($0.1) }
      return JSONPlace.line(ofCharacter: number ?? data.count, in: data)
    }
  }
}
