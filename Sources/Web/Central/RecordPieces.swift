import Events
import Store

/// The pieces that the pages of units, lots, gaps and findings are made of.
struct RecordPieces: Sendable {
  let words: CentralWords

  /// A gap or a finding as a bar with its label, never by colour alone.
  func bar(_ gap: GapRecord, unitShown: Bool = true) -> HTML {
    let isPending = gap.state == "pending"
    let place = [gap.anyOf.isEmpty ? gap.source : gap.anyOf.joined(separator: " or "), gap.device]
      .compactMap { $0 }.joined(separator: " · ")
    var when: HTML = ""
    switch (gap.from, gap.to) {
    case (let from?, let to?) where from == to: when = words.time(from)
    case (let from?, let to?): when = "\(words.time(from)) to \(words.time(to)), \(words.span(to.since(from)))"
    case (let from?, nil): when = "since \(words.time(from)), not ended"
    case (nil, let to?): when = "before \(words.time(to))"
    case (nil, nil): when = "at an unknown time"
    }
    let count: HTML = gap.count.map { "\($0) \(gap.isFinding ? "seen" : "missing") · " } ?? ""
    let unit: HTML = unitShown ? gap.unit.map { " · unit \(CentralWords.anchor(Node(.unit, $0)))" } ?? "" : ""
    let kept: HTML =
      gap.disputed.map { life in
        let source: HTML = gap.source.map { "&amp;source=\(CentralWords.path($0))" } ?? ""
        return " · <a href=\"/conflicts?incarnation=\("\(life)")\(source)\">the other lines</a>"
      } ?? ""
    return """
      <div class="bar\(isPending ? " waits" : "")" id="\(gap.id)">
      <span class="label">\(isPending ? "PENDING" : gap.isFinding ? "FINDING" : "GAP"): \(CentralWords.kind(gap.kind))</span> · \(place)\(unit)
      <p>\(gap.reason ?? "")</p><p class="soft">\(count)\(when)\(doubt(gap))\(kept)</p></div>
      """
  }

  /// A line that stands beside the record, with what it says of people, pieces and lots.
  func bar(_ kept: KeptLine) -> HTML {
    let number: HTML = "<span class=\"label\">Event \("\(kept.sequence)")</span> · \(kept.source)"
    guard ChainHash.heldDigest(kept.line) == nil else {
      return "<div class=\"bar\">\(number)<p>Only its digest came: the line PC holds it back.</p></div>"
    }
    let said = String(decoding: kept.line, as: UTF8.self)
    guard let envelope = try? Envelope(line: kept.line) else {
      return "<div class=\"bar\">\(number)<p><code>\(said)</code></p></div>"
    }
    let about = "\(envelope.type) · \(envelope.subject)"
    return """
      <div class="bar">\(number) · \(about) · \(words.time(envelope.time))<p><code>\(said)</code></p>
      <p class="soft">came \(words.time(kept.received))</p></div>
      """
  }

  /// A cycle with its values and links.
  func card(_ cycle: CycleRecord, _ links: [LinkRecord], showsUnit: Bool) -> HTML {
    var head: HTML = "<h3>\(cycle.station) \(words.time(cycle.time))\(result(cycle.result))\(doubt(cycle.doubt))"
    if cycle.attempt > 1 { head += "<span class=\"badge warn\">attempt \(cycle.attempt)</span>" }
    if cycle.isDoubtful { head += "<span class=\"badge warn\">unit in doubt</span>" }
    head += "</h3>"
    var facts: [HTML] = []
    if showsUnit || cycle.units.count > 1 {
      let units = cycle.units.map { CentralWords.anchor(Node(.unit, $0)) }
      facts.append(units.isEmpty ? noUnit : "unit \(units.joined(separator: ", "))")
    }
    let people = cycle.operators.map { "<b>\($0)</b>" as HTML }
    facts.append(
      people.isEmpty
        ? "<span class=\"warn\">operator not known</span>" : "operator \(people.joined(separator: ", "))")
    if let device = cycle.data?.device { facts.append("<span class=\"soft\">\(device)</span>") }
    if cycle.data == nil { facts.append("<span class=\"bad\">the event is held back: its values are not here</span>") }
    return """
      <div class="card">\(head)<div>\(facts.joined(separator: " · "))</div>\(values(cycle))\(list(links))</div>
      """
  }

  /// What is to be said of a time.
  private func doubt(_ doubt: TimeDoubt?) -> HTML {
    switch doubt {
    case .corrected(let original):
      "<span class=\"badge warn\">time corrected</span><span class=\"soft\">the line PC's clock said "
        + "\(words.time(original))</span>"
    case .unsynchronised: "<span class=\"badge warn\">clock not synchronised</span>"
    case nil: ""
    }
  }

  private func doubt(_ gap: GapRecord) -> HTML {
    let stamped = [gap.stampedFrom, gap.stampedTo].compactMap { $0 }.map { words.time($0) }
    guard stamped.isEmpty else {
      return
        " · <span class=\"warn\">time corrected: the line PC's clock said \(stamped.joined(separator: " and "))</span>"
    }
    return gap.isUnsynchronised ? " · <span class=\"warn\">clock not synchronised</span>" : ""
  }

  private var noUnit: HTML { "<span class=\"bad\">no unit was scanned</span>" }

  private func result(_ result: String?) -> HTML {
    guard let result else { return "" }
    return "<span class=\"badge \(result == "pass" ? "ok" : result == "fail" ? "bad" : "warn")\">\(result)</span>"
  }

  private func values(_ cycle: CycleRecord) -> HTML {
    guard let data = cycle.data, !data.tags.isEmpty else { return "" }
    let rows = data.tags.map { tag -> HTML in
      let mark: HTML = data.outside.contains(tag.name) ? " <span class=\"warn\">outside its limits</span>" : ""
      return "<tr><th scope=\"row\">\(tag.name)</th><td>\(CentralWords.value(tag.value))\(mark)</td></tr>"
    }
    return "<table class=\"values\"><tbody>\(rows.joined())</tbody></table>"
  }

  /// The links of a cycle, each with what it rests on.
  func list(_ links: [LinkRecord]) -> HTML {
    guard !links.isEmpty else { return "" }
    return "<ul class=\"links\">\(links.map { "<li>\(line($0))</li>" as HTML }.joined())</ul>"
  }

  private func line(_ link: LinkRecord) -> HTML {
    let role = link.relation == "member" ? "belongs to \(link.node.kind.rawValue)" : "\(link.role):"
    return "\(role) \(CentralWords.anchor(link.node)) \(certainty(link.isCertain)) <span class=\"soft\">— "
      + "\(link.reason ?? CentralWords.evidence(link.evidence))</span>"
  }

  func certainty(_ isCertain: Bool) -> HTML {
    isCertain ? "<span class=\"badge ok\">certain</span>" : "<span class=\"badge warn\">possible</span>"
  }

  /// Cycles and gaps in the order of time.
  func timeline(
    _ cycles: [CycleRecord], _ links: [LinkRecord], _ gaps: [GapRecord], showsUnit: Bool = false
  ) -> HTML {
    var items = cycles.map { cycle -> (time: Timestamp, html: HTML) in
      let own = links.filter { $0.event == cycle.event && cycle.event != nil }
      return (cycle.time, "<li>\(card(cycle, own, showsUnit: showsUnit))</li>")
    }
    items += gaps.map { gap in
      let kind = gap.state == "pending" ? "waits" : "hole"
      return (
        gap.from ?? gap.to ?? Timestamp(microseconds: 0),
        "<li class=\"\(kind)\">\(bar(gap, unitShown: showsUnit))</li>"
      )
    }
    guard !items.isEmpty else { return "<p class=\"soft\">Nothing was recorded.</p>" }
    let sorted = items.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    return "<ol class=\"timeline\">\(sorted.map(\.element.html).joined())</ol>"
  }

  /// What a walk found, with what it may not have found.
  func trace(_ trace: TraceRecord?, _ title: String, empty: String) -> HTML {
    guard let trace else { return "" }
    var items = trace.items.map { item -> HTML in
      let why: HTML = item.reason.map { "<span class=\"why\">\($0)</span>" } ?? ""
      return "<li><span>\(item.node.kind.rawValue) \(CentralWords.anchor(item.node))</span>"
        + "<span>\(certainty(item.isCertain))</span>\(why)</li>"
    }
    if trace.isTruncated { items.append("<li class=\"bad\">There is more: ask /v1/trace.</li>") }
    let list: HTML =
      items.isEmpty ? "<p class=\"soft\">\(empty)</p>" : "<ul class=\"list\">\(items.joined())</ul>"
    let unknown: HTML =
      trace.unknown.isEmpty
      ? "" : "<p class=\"bad\">\(trace.unknown.count) gap\(trace.unknown.count == 1 ? "" : "s") may hide more.</p>"
    return "<section><h2>\(title)</h2>\(list)\(unknown)</section>"
  }
}
