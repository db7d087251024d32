public import Hummingbird

/// The frame of every page of both ends: head, banner, contents; no script needed, fit for a phone.
public struct Page: Sendable {
  public var title: String
  /// How often a browser loads the page again by itself, in whole seconds; nil: never.
  public var refreshSeconds: Int?
  /// What stands beside the title: where one is, links.
  public var banner: HTML
  public var body: HTML

  public init(title: String, refreshSeconds: Int? = nil, banner: HTML = "", body: HTML) {
    self.title = title
    self.refreshSeconds = refreshSeconds
    self.banner = banner
    self.body = body
  }

  public var html: HTML {
    let refresh: HTML = refreshSeconds.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      \(refresh)
      <title>\(title)</title>
      <link rel="icon" href="/favicon.svg" type="image/svg+xml">
      <link rel="stylesheet" href="/style.css">
      </head>
      <body>
      <header><a class="brand" href="/">Lotline</a>\(banner)</header>
      <main>
      \(body)
      </main>
      </body>
      </html>

      """
  }

  /// The answer that shows the page.
  public func response(status: HTTPResponse.Status = .ok) -> Response {
    Response(text: html.description, type: "text/html; charset=utf-8", status: status)
  }
}
