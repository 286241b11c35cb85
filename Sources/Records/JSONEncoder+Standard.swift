import Foundation

extension JSONEncoder {
  /// Writes the form of this program's JSON files: pretty, keys sorted, times in ISO 8601 UTC.
  public static var standard: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return encoder
  }
}

extension JSONDecoder {
  /// Reads the same form.
  public static var standard: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}
