import Foundation
import Records

/// A gnuplot picture that can be embedded with others in one page.
struct SVGPicture {
  /// From `<svg` to `</svg>`.
  let element: String
  /// The picture as a separate file.
  var file: String { "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\(element)\n" }

  /// Prefixes every id with the plot's name, since gnuplot uses the same ids in each picture, and adds the plot's
  /// title.
  ///
  /// - Throws: ``UserError`` of kind unavailable if the text isn't a picture.
  init(_ text: String, of plot: Plot) throws(UserError) {
    guard let begin = text.range(of: "<svg"), let end = text.range(of: "</svg>", options: .backwards) else {
      throw UserError(
        kind: .unavailable, path: "gnuplot", problem: "it drew no SVG for \(plot.name)",
        help: "gnuplot 5.4 or newer of Debian's package gnuplot-nox is known to work")
    }
    var svg = String(text[begin.lowerBound..<end.upperBound])
    // Titles of single lines are gnuplot's own numbers.
    svg.replace(#/<title>[^<]*<\/title>/#, with: "")
    svg.replace(#/<desc>[^<]*<\/desc>/#, with: "")
    let prefix = plot.name + "-"
    // Only within tags: a text may contain id='x', too.
    svg.replace(#/<[^>]*>/#) { tag in
      var tag = String(tag.output)
      guard tag.contains("id=") || tag.contains("#") else { return tag }
      tag.replace(#/ id=(['"])([^'"]*)['"]/#) { " id=\"\(prefix)\($0.output.2)\"" }
      tag.replace(#/href=(['"])#([^'"]*)['"]/#) { "href=\"#\(prefix)\($0.output.2)\"" }
      tag.replace(#/url\(#([^)]*)\)/#) { "url(#\(prefix)\($0.output.1))" }
      return tag
    }
    let size = " width=\"\(Int(Plot.width))\" height=\"\(Int(plot.height))\""
    let name = "\(prefix)title"
    svg.replace("<svg", with: "<svg role=\"img\" aria-labelledby=\"\(name)\"\(size)", maxReplacements: 1)
    if let tagEnd = svg.firstIndex(of: ">") {
      svg.insert(
        contentsOf: "\n<title id=\"\(name)\">\(Self.escaped(plot.title))</title>", at: svg.index(after: tagEnd))
    }
    element = svg.split(separator: "\n", omittingEmptySubsequences: true).joined(separator: "\n")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
