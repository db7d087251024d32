import HTTPTypes
public import Hummingbird

/// The files that every page asks for; they hold nothing that needs a token.
public enum Style {
  /// Adds `/style.css` and `/favicon.svg`.
  public static func add<Context: RequestContext>(to router: some RouterMethods<Context>) {
    router.get("style.css") { _, _ in file(sheet, type: "text/css; charset=utf-8") }
    router.get("favicon.svg") { _, _ in file(icon, type: "image/svg+xml") }
  }

  private static func file(_ text: String, type: String) -> Response {
    var response = Response(text: text, type: type)
    response.headers[.cacheControl] = "max-age=300"
    return response
  }

  private static let icon = """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#12343b"/>\
    <path d="M5 16h22" stroke="#e1b382" stroke-width="3"/><circle cx="9" cy="16" r="4" fill="#fff"/>\
    <circle cx="23" cy="16" r="4" fill="none" stroke="#fff" stroke-width="2" stroke-dasharray="3 2"/></svg>
    """

  /// States are told by word and mark as well as by colour.
  private static let sheet = """
    :root { color-scheme: light dark; --ink: #1b2226; --paper: #fbfaf7; --line: #d5d2c8; --soft: #5d676d;
      --ok: #17693c; --warn: #8a5300; --bad: #a8201a; --brand: #12343b; --card: #ffffff; --link: #0b5a78; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e8e6e0; --paper: #14191b; --line: #3a4346; --soft: #a3adb1; --ok: #6fcf97; --warn: #f2b35e;
        --bad: #ff8a80; --brand: #0d2529; --card: #1c2326; --link: #7cc4e4; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
    header { background: var(--brand); color: #fff; padding: .6rem 1rem; display: flex; flex-wrap: wrap; gap: .3rem 1rem;
      align-items: baseline; }
    header a { color: #fff; } header .brand { font-weight: 700; text-decoration: none; }
    main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
    h1 { font-size: 1.4rem; margin: .2rem 0 .6rem; } h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; }
    a { color: var(--link); }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; background: var(--card); }
    th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
    th { color: var(--soft); font-weight: 600; white-space: nowrap; }
    h1, p, td, dd, li { overflow-wrap: anywhere; }
    .cards > *, dd { min-width: 0; }
    time, .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
    .ok::before { content: "\\2713\\00a0"; } .warn::before { content: "\\25CB\\00a0"; } .bad::before { content: "\\2717\\00a0"; }
    .ok { color: var(--ok); } .warn { color: var(--warn); } .bad { color: var(--bad); font-weight: 600; }
    .soft { color: var(--soft); }
    .gap { border: 2px dashed var(--bad); padding: .4rem .7rem; margin: .5rem 0; }
    .card { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem;
      margin: .5rem 0; }
    .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .7rem; }
    .cards .card { margin: 0; }
    .timeline { list-style: none; margin: .5rem 0; padding: 0 0 0 1rem; border-left: 3px solid var(--line); }
    .timeline > li { margin: 0 0 .8rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .3rem 0; }
    dt { color: var(--soft); } dd { margin: 0; }
    form { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 1rem; }
    input, button, select { font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: .3rem;
      background: var(--card); color: inherit; min-width: 0; }
    input[type=search] { flex: 1 1 14rem; } button { background: var(--brand); color: #fff; }
    code { font-family: ui-monospace, monospace; font-size: .95em; }
    .card > h2 { margin: 0 0 .3rem; } .card > p { margin: .3rem 0; }
    .rows .head { font-weight: 600; white-space: nowrap; }
    @media (max-width: 40rem) {
      .rows thead { display: none; }
      .rows, .rows tbody, .rows tr, .rows td { display: block; }
      .rows tr { padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
      .rows td { border: 0; padding: 0; }
      .rows td.short, .rows td.head { display: inline-block; margin-right: .7rem; }
      .rows td.head { white-space: normal; } .rows td.short { color: var(--soft); }
      .rows td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
      main { padding: .7rem; } .cards { grid-template-columns: 1fr; } }
    @media print { header { background: none; color: #000; } a { color: inherit; } }

    """
}
