import Foundation

extension JSONEncoder {
  /// An encoder for this program's JSON files: pretty, sorted keys, times in ISO 8601 UTC.
  public static var standard: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return encoder
  }
}

extension JSONDecoder {
  /// A decoder for these files.
  public static var standard: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return decoder
  }
}
