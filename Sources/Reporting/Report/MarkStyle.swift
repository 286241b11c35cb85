/// The style of a strategy's marks and lines.
struct MarkStyle: Hashable, Sendable {
  /// The number of a point type of gnuplot's svg terminal.
  var shape: Int
  /// As `#rrggbb`.
  var colour: String
  /// The size of the marks; 1 is gnuplot's default.
  var size = 0.8

  /// The style of anything that isn't a strategy: limits, floors, and rings around marks.
  static let limit = MarkStyle(shape: 3, colour: "#000000", size: 0.6)
  static let ring = MarkStyle(shape: 6, colour: "#000000", size: 1.9)
  /// The style of measurements without any strategy.
  static let alone = MarkStyle(shape: 12, colour: "#767676", size: 0.8)
  /// The style of the strategy that collects nothing.
  static let none = MarkStyle(shape: 1, colour: "#000000", size: 0.9)

  /// The style of what the allocator does without any strategy.
  static let allocator = MarkStyle(shape: 5, colour: "#000000", size: 0.8)

  /// Creates the style with this number. 156 styles differ; any 12 consecutive ones differ in colour and in shape, so
  /// that either tells them apart.
  ///
  /// - Parameter number: from 0.
  init(number: Int) {
    shape = Self.shapes[number % Self.shapes.count]
    colour = Self.colours[number % Self.colours.count]
  }

  init(shape: Int, colour: String, size: Double) {
    self.shape = shape
    self.colour = colour
    self.size = size
  }

  /// Disc, square, triangles, diamond, pentagon, filled and then open, and a cross.
  private static let shapes = [7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12, 14, 2]
  /// Okabe and Ito's colours for the colour-blind, without black, and without yellow, which is too light on white; and
  /// of Tol's muted ones those that differ most from them.
  private static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#882255", "#332288", "#999933", "#aa4499",
    "#117733", "#6b6b6b",
  ]
}
