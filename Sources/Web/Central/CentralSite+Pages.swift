import Events
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Store

/// The pages for people: search, the record of a unit or a lot as a time line, and the ledger of gaps
/// and findings.
extension CentralSite {
  private var words: CentralWords { CentralWords(timeZone: timeZone) }
  private var pieces: RecordPieces { RecordPieces(words: words) }

  private func page(_ title: String, _ body: HTML, status: HTTPResponse.Status = .ok) -> Response {
    let banner: HTML = "<span>Central</span><a href=\"/gaps\">Gaps and findings</a>"
    return Page(
      title: "\(title) · Lotline", banner: banner, body: "<link rel=\"stylesheet\" href=\"/central.css\">" + body
    )
    .response(status: status)
  }

  private func form(_ text: String = "") -> HTML {
    """
    <form class="search" action="/search" method="get" role="search">
    <input type="search" name="q" value="\(text)" aria-label="Unit or lot" placeholder="Unit or lot" required>
    <button type="submit">Search</button></form>
    """
  }

  /// `/`: search, how the line PCs stand, what is missing, what was seen last.
  func homePage() async throws -> Response {
    let units = try await store.recentUnits(15)
    let gaps = try await store.gaps(GapFilter(state: "open"), limit: 8)
    let sources = try await store.sources()
    let recent = units.map { hit -> HTML in
      "<li><span>\(CentralWords.anchor(Node(.unit, hit.id)))</span><span class=\"soft\">\(words.time(hit.latest))</span></li>"
    }
    let bars = gaps.items.map { pieces.bar($0) }.joined()
    let facts = try await backupFacts()
    return page(
      "Central",
      """
      <h1>What went into it, and what do we not know?</h1>
      \(form())
      <div class="columns">
      <section><h2>Units seen last</h2>\(list(recent, empty: "No unit has been recorded yet."))</section>
      <section><h2>Line PCs</h2>\(list(sources.map(line), empty: "No line PC is known: add one under sources in central.yaml."))
      <h2>Backups</h2>\(list(facts, empty: ""))</section>
      </div>
      <h2>Open gaps and findings</h2>
      \(gaps.items.isEmpty ? nothing : bars)
      \(gaps.items.isEmpty ? "" : "<p><a href=\"/gaps\">All gaps and findings</a></p>")
      """)
  }

  private var nothing: HTML { "<p class=\"ok\">Nothing is known to be missing, and nothing looks wrong.</p>" }

  private func list(_ items: [HTML], empty: String) -> HTML {
    items.isEmpty ? "<p class=\"soft\">\(empty)</p>" : "<ul class=\"list\">\(items.joined())</ul>"
  }

  /// How safe what was received is.
  private func backupFacts() async throws -> [HTML] {
    let now = store.now
    var facts: [HTML] = []
    if let last = try await store.backups(limit: 1).first {
      let tone = backups?().isOverdue(at: now) == true ? "bad" : "ok"
      facts.append(
        "<li><span>\(words.span(now.since(last.taken))) ago</span><span class=\"\(tone)\">verified</span>"
          + "<span class=\"why\">\(last.file), \(Int(last.events)) events</span></li>")
    } else if backups == nil {
      facts.append("<li><span class=\"warn\">none: set backup in central.yaml</span></li>")
    } else {
      facts.append("<li><span class=\"warn\">none yet</span></li>")
    }
    if let failure = backups?().failure { facts.append("<li><span class=\"bad\">\(failure)</span></li>") }
    if let restored = try await store.restored() {
      facts.append("<li><span class=\"warn\">The store was put back from a backup \(words.time(restored))</span></li>")
    }
    return facts
  }

  private func line(_ source: SourceRecord) -> HTML {
    let state: HTML =
      source.heard == nil
      ? "<span class=\"warn\">not heard yet</span>"
      : source.isSilent ? "<span class=\"bad\">silent</span>" : "<span class=\"ok\">heard</span>"
    let now = store.now
    var facts: [HTML] = []
    if let heard = source.heard { facts.append("heard \(words.span(now.since(heard))) ago") }
    if let latest = source.latest { facts.append("events up to \(words.time(latest))") }
    if let behind = source.behind, behind > 0 { facts.append("<b class=\"warn\">\(behind) more wait there</b>") }
    if let receipt = source.incarnations.last {
      facts.append("\(receipt.receivedThrough) events, \(receipt.safeThrough) safe")
    }
    if source.isSynchronised == false { facts.append("<span class=\"warn\">clock not synchronised</span>") }
    return "<li><span>\(source.name)</span>\(state)<span class=\"why\">\(facts.joined(separator: ", "))</span></li>"
  }

  /// `/search?q=`: one that fits exactly opens at once.
  func searchPage(_ request: Request) async throws -> Response {
    let text = (request.query("q") ?? "").replacing("+", with: " ").trimmingPrefix { $0 == " " }
    let sought = String(text)
    guard !sought.isEmpty else { return Response.redirect(to: "/") }
    let found = try await store.search(sought)
    let exact = found.items.filter { $0.id == sought && $0.kind != "operator" }
    if exact.count == 1, let only = exact.first {
      return Response.redirect(to: "/\(only.kind)/\(CentralWords.path(only.id))")
    }
    let hits = found.items.map { hit -> HTML in
      let name: HTML = Node.Kind(rawValue: hit.kind).map { CentralWords.anchor(Node($0, hit.id)) } ?? "\(hit.id)"
      return "<li><span>\(hit.kind) \(name)</span><span class=\"soft\">\(words.time(hit.latest))</span></li>"
    }
    let more: HTML = found.next == nil ? "" : "<p class=\"warn\">There are more: type more of the identifier.</p>"
    return page(
      "Search",
      "\(form(sought))<h1>\(sought)</h1>\(list(hits, empty: "No event names anything with these letters in it."))\(more)"
    )
  }

  /// `/unit/ID`.
  func unitPage(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = Self.id(context)
    switch try await store.unit(id, exactly: try request.flag("exact")) {
    case .found(let unit):
      let back = try await trace(Node(.unit, unit.unit), .backward)
      let on = try await trace(Node(.unit, unit.unit), .forward)
      return page(
        unit.unit,
        """
        \(form())
        \(title("Unit", unit.unit, [unit.product.map { "product \($0)" }], badges(unit)))
        \(summary(unit.gaps))
        <h2>What happened</h2>
        \(pieces.timeline(unit.cycles, unit.links, unit.gaps))
        <div class="columns">
        \(pieces.trace(back, "What went into it", empty: "Nothing is recorded."))
        \(pieces.trace(on, "Where it went", empty: "Nothing has it in it, as far as is recorded."))
        </div>
        """)
    case .several(let candidates, let isTruncated): return several(.unit, id, candidates, isTruncated)
    case .unknown: return unknown(.unit, id)
    }
  }

  /// `/lot/ID`.
  func lotPage(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = Self.id(context)
    switch try await store.lot(id, exactly: try request.flag("exact")) {
    case .found(let lot):
      let back = try await trace(Node(.lot, lot.lot), .backward)
      let on = try await trace(Node(.lot, lot.lot), .forward)
      let facts = [
        lot.product.map { "product \($0)" }, lot.madeUnits > 0 ? "\(lot.madeUnits) units belong to it" : nil,
        lot.consumedUnits > 0 ? "in \(lot.consumedUnits) units, or possibly in them" : nil,
      ]
      let cut: HTML = lot.isTruncated ? "<p class=\"warn\">Only the first thousand cycles are shown.</p>" : ""
      return page(
        lot.lot,
        """
        \(form())
        \(title("Lot", lot.lot, facts, completeness(lot.complete)))
        \(summary(lot.gaps))
        <div class="columns">
        \(pieces.trace(back, "What went into it", empty: "Nothing is recorded."))
        \(pieces.trace(on, "Where it went", empty: "Nothing has it in it, as far as is recorded."))
        </div>
        <h2>What happened</h2>\(cut)
        \(pieces.timeline(lot.cycles, [], lot.gaps, showsUnit: true))
        """)
    case .several(let candidates, let isTruncated): return several(.lot, id, candidates, isTruncated)
    case .unknown: return unknown(.lot, id)
    }
  }

  /// `/gaps`.
  func gapsPage(_ request: Request) async throws -> Response {
    let filter = GapFilter(
      state: request.query("state"), station: request.query("station"), kind: request.query("kind"))
    let found = try await store.gaps(filter, after: request.query("cursor"), limit: 100)
    let bars = found.items.map { pieces.bar($0) }.joined()
    let chosen = ["state": filter.state, "station": filter.station, "kind": filter.kind].sorted { $0.key < $1.key }
      .map { name, value in value.map { "&\(name)=\(CentralWords.path($0))" } ?? "" }.joined()
    let next: HTML = found.next.map { "<p><a href=\"/gaps?cursor=\($0 + chosen)\">Older ones</a></p>" } ?? ""
    return page(
      "Gaps and findings",
      """
      <h1>What is missing, and what looks wrong</h1><p class="soft">The newest first. A GAP is missing. A FINDING looks
      wrong, and nothing is missing for it. PENDING is not known to be missing yet: its line PC has not been received
      that far.</p>
      \(found.items.isEmpty ? nothing : bars)\(next)
      """)
  }

  /// `/conflicts?incarnation=`: what a second queue of the same name accepted, or one that was put back.
  func conflictsPage(_ request: Request) async throws -> Response {
    let (source, incarnation) = (request.query("source"), try Self.incarnation(request))
    let found = try await store.keptLines(
      source: source, incarnation: incarnation, after: request.query("cursor"), limit: 100)
    let bars = found.items.map { pieces.bar($0) }.joined()
    let chosen = [incarnation.map { "&incarnation=\($0)" }, source.map { "&source=\(CentralWords.path($0))" }]
      .compactMap { $0 }.joined()
    let next: HTML = found.next.map { "<p><a href=\"/conflicts?cursor=\($0 + chosen)\">The next ones</a></p>" } ?? ""
    return page(
      "Two histories",
      """
      <h1>Lines beside the record</h1><p class="soft">They came under numbers that other lines have, or that nothing
      proves to be theirs: two line PCs used one name, or one was put back. They are kept as they came, and no answer
      about a unit or a lot counts them.</p>
      \(found.items.isEmpty ? "<p class=\"ok\">No line stands beside the record.</p>" : bars)\(next)
      """)
  }

  private func trace(_ node: Node, _ direction: TraceRecord.Direction) async throws -> TraceRecord? {
    guard case .found(let record) = try await store.trace(from: node, direction, exactly: true, limit: 500) else {
      return nil
    }
    return record
  }

  private func title(_ kind: String, _ id: String, _ facts: [String?], _ badges: HTML) -> HTML {
    let known = facts.compactMap { $0 }.map { "<span class=\"soft\">\($0)</span>" as HTML }.joined()
    return "<div class=\"title\"><span class=\"kind\">\(kind)</span><h1>\(id)</h1>\(badges)\(known)</div>"
  }

  private func badges(_ unit: UnitRecord) -> HTML {
    let kind = unit.state == "made" ? "ok" : unit.state == "scrapped" ? "bad" : "warn"
    var badges: HTML = "<span class=\"badge \(kind)\">\(unit.state)</span>" + completeness(unit.complete)
    if let result = unit.result {
      badges += "<span class=\"badge \(result == "fail" ? "bad" : "ok")\">\(result)</span>"
    }
    return badges
  }

  private func completeness(_ complete: Bool?) -> HTML {
    switch complete {
    case true?: "<span class=\"badge ok\">complete</span>"
    case false?: "<span class=\"badge bad\">not complete</span>"
    case nil: ""
    }
  }

  private func summary(_ gaps: [GapRecord]) -> HTML {
    guard !gaps.isEmpty else { return "<p class=\"ok sum\">No gap is known at its stations at that time.</p>" }
    let pending = gaps.filter { $0.state == "pending" }.count
    let findings = gaps.filter { $0.state != "pending" && $0.isFinding }.count
    let missing = gaps.count - pending - findings
    let parts = [
      missing > 0 ? "\(missing) gap\(missing == 1 ? "" : "s")" : nil,
      findings > 0 ? "\(findings) finding\(findings == 1 ? "" : "s")" : nil, pending > 0 ? "\(pending) pending" : nil,
    ]
    return "<p class=\"bad sum\">\(parts.compactMap { $0 }.joined(separator: ", ")): shown in their place below.</p>"
  }

  private func several(_ kind: Node.Kind, _ id: String, _ candidates: [String], _ isTruncated: Bool) -> Response {
    let links = candidates.map { candidate -> HTML in
      "<li><a href=\"/\(kind.rawValue)/\(CentralWords.path(candidate))?exact=true\">\(candidate)</a></li>"
    }
    let more: HTML = isTruncated ? "<p class=\"warn\">There are more: type the identifier with its scope.</p>" : ""
    return page(
      id, "\(form(id))<h1>\(id) fits several \(kind.rawValue)s</h1>\(list(links, empty: ""))\(more)",
      status: .conflict)
  }

  private func unknown(_ kind: Node.Kind, _ id: String) -> Response {
    page(
      id, "\(form(id))<h1>No event names a \(kind.rawValue) \(id)</h1><p class=\"soft\">Search for a part of it.</p>",
      status: .notFound)
  }
}
