import Mustache

/// A comparison as JUnit XML, for CI systems: one test case per requested row. Worse is a failure; no verdict, or
/// insufficient data, is skipped; a cell that only one side has is an error.
public struct ComparisonJUnit {
  private let comparison: Comparison

  public init(_ comparison: Comparison) { self.comparison = comparison }

  /// - Throws: only errors of the template, which are bugs.
  public var text: String {
    get throws {
      let words = ComparisonText(comparison, all: false)
      let asked = comparison.rows.filter(\.isAsked)
      let cases = asked.map { row -> [String: Any] in
        let result = ComparisonText.result(row)
        var fields: [String: Any] = [
          "class": Self.clean("\(row.experiment).\(row.metric.name)"), "name": Self.clean(row.name),
          "result": Self.clean(result),
        ]
        switch row.verdict {
        case .worse: fields["failure"] = true
        case .better, .same: break
        case .notEnoughData, nil:
          fields[row.isMismatch ? "error" : "skipped"] = true
          fields["result"] = Self.clean(row.reason.map { "\($0.short): \($0.sentence)" } ?? result)
        }
        return fields
      }
      let missing = [(comparison.onlyInBase, "base"), (comparison.onlyInNew, "new")].flatMap { names, side in
        names.map { name -> [String: Any] in
          ["class": "cells", "name": Self.clean(name), "error": true, "result": "only in \(side)"]
        }
      }
      let all = cases + missing
      func count(_ key: String) -> Int { all.count { $0[key] != nil } }
      return try MustacheTemplate(string: Self.template).render(
        [
          "name": Self.clean(words.heading), "summary": Self.clean(words.summary), "tests": all.count,
          "failures": count("failure"), "skips": count("skipped"), "errors": count("error"), "cases": all,
        ] as [String: Any])
    }
  }

  /// The template. Mustache escapes double braces.
  private static let template = """
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuite name="{{name}}" tests="{{tests}}" failures="{{failures}}" errors="{{errors}}" skipped="{{skips}}">
    {{#cases}}
      <testcase classname="{{class}}" name="{{name}}">
    {{#failure}}
        <failure message="{{result}}"/>
    {{/failure}}
    {{#error}}
        <error message="{{result}}"/>
    {{/error}}
    {{#skipped}}
        <skipped message="{{result}}"/>
    {{/skipped}}
        <system-out>{{result}}</system-out>
      </testcase>
    {{/cases}}
      <system-out>{{summary}}</system-out>
    </testsuite>

    """

  /// Removes characters that XML 1.0 can't represent.
  private static func clean(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.value {
          case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: scalar
          default: "\u{FFFD}"
          }
        }))
  }
}
