import Foundation
import Mustache
import Records

/// Renders the page as HTML and Markdown.
enum ReportTemplates {
  /// Renders one self-contained HTML file.
  ///
  /// - Throws: ``UserError`` of kind unavailable if the template can't be read, which is a bug.
  static func html(_ page: ReportPage) throws(UserError) -> String {
    try render(htmlTemplate, partials: ["table": htmlTable], context(page, escape: { $0 }))
  }

  /// Renders Markdown in GitHub's dialect.
  ///
  /// - Parameter plots: the folder of the pictures, relative to the text.
  /// - Throws: as `html`.
  static func markdown(_ page: ReportPage, plots: String) throws(UserError) -> String {
    var values = context(page, escape: escapedMarkdown)
    values["plots"] = plots
    let text = try render(markdownTemplate, partials: ["table": markdownTable], values)
    // Where a part is empty, its blank lines stay.
    return text.replacing(#/\n{3,}/#, with: "\n\n")
  }

  private static func render(
    _ template: String, partials: [String: String], _ values: [String: Any]
  ) throws(UserError) -> String {
    do {
      let library = MustacheLibrary(templates: try partials.mapValues { try MustacheTemplate(string: $0) })
      return try MustacheTemplate(string: template).render(values, library: library)
    } catch {
      throw UserError(kind: .unavailable, path: "report", problem: "a template: \(error)", help: "report this")
    }
  }

  /// - Parameter escape: escapes a text for Markdown; HTML is escaped by the template.
  private static func context(_ page: ReportPage, escape: (String) -> String) -> [String: Any] {
    func table(_ table: TableContent) -> [String: Any] {
      [
        "caption": table.caption.map(escape) as Any? ?? false,
        "titles": table.titles.enumerated().map { index, title -> [String: Any] in
          ["text": escape(title), "isText": table.leftAligned.contains(index)]
        },
        "rows": table.rows.map { row in
          [
            "fields": row.enumerated().map { index, text -> [String: Any] in
              [
                "text": escape(text.trimmingCharacters(in: .whitespaces)), "isText": table.leftAligned.contains(index),
                "isShort": text.count <= longestUnbroken,
              ]
            }
          ]
        },
        "note": table.note.map(escape) as Any? ?? false,
      ]
    }
    func figure(_ figure: ReportPage.FigureView) -> [String: Any] {
      [
        "id": figure.name, "title": escape(figure.title), "captions": figure.captions.map(escape),
        "source": escape(figure.source), "hasTables": !figure.tables.isEmpty,
        "tables": figure.tables.map(table), "opensTables": figure.opensTables,
        "pictures": figure.pictures.map { picture -> [String: Any] in
          ["file": picture.name, "alt": escape(picture.title), "svg": picture.svg.element]
        },
      ]
    }
    return [
      "title": escape(page.title),
      "lead": page.lead.map(escape),
      "runs": page.runs.map { run -> [String: Any] in
        [
          "title": escape(run.title),
          "facts": run.facts.map { ["name": escape($0.name), "value": escape($0.value)] },
        ]
      },
      "sections": page.sections.map { section -> [String: Any] in
        [
          "id": section.name, "title": escape(section.title), "lead": section.lead.map(escape),
          "figures": section.figures.map(figure), "tables": section.tables.map(table),
          "notes": section.notes.map(escape), "hasTables": !section.tables.isEmpty,
        ]
      },
    ]
  }

  /// The longest table text that isn't broken at blanks.
  private static let longestUnbroken = 34

  /// Escapes everything that means something in Markdown or HTML.
  static func escapedMarkdown(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~", "$", "!": escaped += "\\\(character)"
      case "\n", "\r\n", "\r": escaped += " "
      default: escaped.append(character)
      }
    }
    return escaped
  }

  // MARK: templates

  private static let htmlTable = """
    {{#note}}<div class="noted">{{/note}}
    <div class="wide" tabindex="0">
    <table>
    {{#caption}}<caption><span>{{.}}</span></caption>{{/caption}}
    <thead><tr>{{#titles}}<th scope="col"{{^isText}} class="figure"{{/isText}}>{{text}}</th>{{/titles}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr>{{#fields}}<td class="{{^isText}}figure{{/isText}}{{#isText}}{{#isShort}}short{{/isShort}}{{/isText}}">{{text}}</td>{{/fields}}</tr>
    {{/rows}}
    </tbody>
    </table>
    </div>
    {{#note}}<p>{{.}}</p></div>{{/note}}

    """

  private static let htmlTemplate = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    :root { --ink: #1b1b1b; --soft: #595959; --line: #d0d0d0; --paper: #ffffff; --box: #f6f6f4; --link: #0b57a4; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e6e6; --soft: #a8a8a8; --line: #484848; --paper: #161616; --box: #222222; --link: #7ab8f5; }
    }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem 1.25rem 3rem; max-width: 84rem; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .5rem; }
    h2 { font-size: 1.35rem; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 2px solid var(--line); }
    h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
    p { margin: .5rem 0; max-width: 52rem; }
    a { color: var(--link); }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
    dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: .5rem 0; font-size: .9rem; }
    dt { color: var(--soft); }
    dd { margin: 0; overflow-wrap: anywhere; }
    figure { margin: 0 0 2.5rem; max-width: 70rem; }
    figcaption { font-size: .9rem; color: var(--soft); }
    .plot { overflow-x: auto; background: #ffffff; border: 1px solid var(--line); border-radius: 4px; margin: .5rem 0; }
    .plot svg { display: block; width: 100%; min-width: 46rem; height: auto; }
    .wide { overflow-x: auto; margin: .75rem 0 1.25rem; }
    table { border-collapse: collapse; min-width: min(44rem, 100%); font-size: .82rem; font-variant-numeric: tabular-nums; }
    details > summary { list-style-position: inside; }
    caption span { position: sticky; left: 0; display: inline-block; max-width: min(100vw - 3rem, 80rem); }
    caption { text-align: left; padding: .25rem 0; font-weight: 600; font-size: .9rem; }
    th, td { padding: .2rem .55rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
    th { background: var(--box); font-weight: 600; }
    .figure { text-align: right; white-space: nowrap; }
    .short { white-space: nowrap; }
    .noted p, .notes p { font-size: .85rem; color: var(--soft); }
    details { margin: .5rem 0; }
    summary { cursor: pointer; color: var(--link); font-size: .9rem; }
    @media (max-width: 40rem) { dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: .4rem; } }
    @media print {
      :root { --ink: #000; --soft: #333; --line: #bbb; --paper: #fff; --box: #f2f2f2; }
      body { max-width: none; font-size: 10pt; }
      .wide, .plot { overflow: visible; }
      .plot svg { min-width: 0; }
      figure, tr { break-inside: avoid; }
      table { font-size: 7pt; }
    }
    </style>
    </head>
    <body>
    <header>
    <h1>{{title}}</h1>
    {{#lead}}
    <p>{{.}}</p>
    {{/lead}}
    <nav aria-label="Sections"><ul>
    {{#sections}}
    <li><a href="#{{id}}">{{title}}</a></li>
    {{/sections}}
    </ul></nav>
    {{#runs}}
    <section class="run">
    <h3>{{title}}</h3>
    <dl>
    {{#facts}}
    <dt>{{name}}</dt><dd>{{value}}</dd>
    {{/facts}}
    </dl>
    </section>
    {{/runs}}
    </header>
    <main>
    {{#sections}}
    <section id="{{id}}">
    <h2>{{title}}</h2>
    {{#lead}}
    <p>{{.}}</p>
    {{/lead}}
    {{#figures}}
    <figure id="{{id}}">
    <h3>{{title}}</h3>
    {{#pictures}}
    <div class="plot" tabindex="0">
    {{{svg}}}
    </div>
    {{/pictures}}
    <figcaption>
    {{#captions}}
    <p>{{.}}</p>
    {{/captions}}
    <p>From {{source}}.</p>
    </figcaption>
    {{#hasTables}}
    <details{{#opensTables}} open{{/opensTables}}><summary>In numbers</summary>
    {{#tables}}
    {{>table}}
    {{/tables}}
    </details>
    {{/hasTables}}
    </figure>
    {{/figures}}
    {{#hasTables}}
    <h3>Tables</h3>
    {{#tables}}
    {{>table}}
    {{/tables}}
    {{/hasTables}}
    <div class="notes">
    {{#notes}}
    <p>{{.}}</p>
    {{/notes}}
    </div>
    </section>
    {{/sections}}
    </main>
    </body>
    </html>

    """

  private static let markdownTable = """
    {{#caption}}
    **{{{.}}}**

    {{/caption}}
    |{{#titles}} {{{text}}} |{{/titles}}
    |{{#titles}} {{#isText}}:---{{/isText}}{{^isText}}---:{{/isText}} |{{/titles}}
    {{#rows}}
    |{{#fields}} {{{text}}} |{{/fields}}
    {{/rows}}

    {{#note}}
    {{{.}}}

    {{/note}}

    """

  private static let markdownTemplate = """
    # {{{title}}}

    {{#lead}}
    {{{.}}}

    {{/lead}}
    {{#runs}}
    ## {{{title}}}

    | what | |
    |:---|:---|
    {{#facts}}
    | {{{name}}} | {{{value}}} |
    {{/facts}}

    {{/runs}}
    {{#sections}}
    ## {{{title}}}

    {{#lead}}
    {{{.}}}

    {{/lead}}
    {{#figures}}
    ### {{{title}}}

    {{#pictures}}
    ![{{{alt}}}]({{{plots}}}/{{{file}}}.svg)

    {{/pictures}}
    {{#captions}}
    {{{.}}}

    {{/captions}}
    From {{{source}}}.

    {{#hasTables}}
    <details{{#opensTables}} open{{/opensTables}}><summary>In numbers</summary>

    {{#tables}}
    {{>table}}
    {{/tables}}
    </details>

    {{/hasTables}}
    {{/figures}}
    {{#hasTables}}
    ### Tables

    {{#tables}}
    {{>table}}
    {{/tables}}
    {{/hasTables}}
    {{#notes}}
    {{{.}}}

    {{/notes}}
    {{/sections}}
    """
}
