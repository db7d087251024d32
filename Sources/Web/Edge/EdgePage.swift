import Devices
import Events
import Forward
import Hummingbird
import Queue

// The page of the line: is everything read, is everything kept, has the central everything.
extension EdgeSite {
  static let shownEvents = 20

  func page() async throws -> Response {
    let state = await state()
    let clock = WallClock(now: state.now, zone: timeZone)
    var events: [EventWords] = []
    var unreadable: String?
    do throws(QueueFault) {
      let lines = try await queue.newest(limit: Self.shownEvents).lines
      events = lines.reversed().compactMap { EventWords(line: $0) { clock.text($0) } }
    } catch { unreadable = error.description }
    let body: HTML = """
      <h1 class="\(state.tone)">\(state.headline(clock))</h1>
      \(state.safeModeWords(clock))
      <div class="cards">
      \(state.queueCard)
      \(state.centralCard(clock))
      \(state.listenerCards(clock))
      </div>
      <h2>Devices</h2>
      \(state.deviceTable(clock))
      <h2>Stations</h2>
      \(state.stationCards)
      <h2>Last events</h2>
      \(Self.eventTable(events, clock, unreadable: unreadable))
      """
    return Page(
      title: "\(source): \(state.capture.word == .notCapturing ? "not capturing" : "capturing")", refreshSeconds: 3,
      banner: "<span>\(source)</span><span>\(clock.wholeHTML(state.now))</span>", body: body
    ).response()
  }

  private static func eventTable(_ events: [EventWords], _ clock: WallClock, unreadable: String?) -> HTML {
    if let unreadable { return "<p class=\"bad\">\(unreadable)</p>" }
    guard !events.isEmpty else { return "<p class=\"soft\">No event yet.</p>" }
    let rows = events.map { event -> HTML in
      """
      <tr><td class="short number">\(event.sequence)</td><td class="short">\(clock.html(event.time))</td>\
      <td class="short">\(event.subject)</td><td><span class="\(event.tone)">\(event.words)</span></td></tr>

      """
    }
    return """
      <div class="wide"><table class="rows"><thead><tr><th>No.</th><th>Time</th><th>Where</th><th>What</th></tr></thead>
      <tbody>
      \(rows.joined())</tbody></table></div>
      """
  }
}

extension EdgeState {
  /// The one sentence that matters, with its time as people read it.
  fileprivate func headline(_ clock: WallClock) -> HTML {
    "\(capture.beginning)\(capture.since.map { clock.html($0) } ?? "")"
  }

  fileprivate func safeModeWords(_ clock: WallClock) -> HTML {
    guard let safeMode = settings?.safeMode else { return "" }
    return "<p class=\"bad\">safe mode since \(clock.html(safeMode.since)): \(safeMode.why)</p>"
  }

  fileprivate var tone: String {
    switch capture.word {
    case .capturing: "ok"
    case .centralAway: "warn"
    case .notCapturing: "bad"
    }
  }

  fileprivate var queueCard: HTML {
    let share = queue.limitBytes > 0 ? Double(queue.bytes) / Double(queue.limitBytes) * 100 : 0
    let damage: HTML =
      queue.damaged.isEmpty
      ? ""
      : "<dt>Damaged</dt><dd class=\"bad\">\(queue.damaged.map(\.description).joined(separator: ", "))</dd>"
    let shed: HTML =
      queue.shed == 0 ? "" : "<dt>Left out</dt><dd class=\"bad\">\(queue.shed) readings: nearly full</dd>"
    return """
      <section class="card"><h2>Queue</h2><dl>
      <dt>Last event</dt><dd class="number">\(queue.last)</dd>
      <dt>Not at the central</dt><dd class="number">\(unsent)</dd>
      <dt>On disk</dt><dd>\(queue.rows) events, \(Self.megabytes(queue.bytes)) \
      (\(Int(share.rounded(.up))) % of the limit)</dd>
      \(damage)\(shed)
      </dl></section>
      """
  }

  private static func megabytes(_ bytes: Int) -> String {
    "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB"
  }

  fileprivate func centralCard(_ clock: WallClock) -> HTML {
    let reason = forward?.reason ?? "no reason"
    let (tone, words): (String, HTML) =
      switch forward?.state {
      case nil where unsent == 0: ("ok", "has everything")
      case nil: ("warn", "has not fetched \(unsent) events yet")
      case .idle where unsent == 0, .sending where unsent == 0: ("ok", "has everything")
      case .starting where unsent == 0: ("warn", "not heard of yet")
      case .idle, .sending, .starting: ("warn", "\(unsent) events on their way")
      case .away: ("bad", "away since \(clock.html(forward?.since ?? now)): \(reason)")
      case .refused: ("bad", "refuses since \(clock.html(forward?.since ?? now)): \(reason)")
      }
    let contact: HTML = forward?.lastContact.map { "<dt>Last heard of</dt><dd>\(clock.html($0))</dd>" } ?? ""
    let url: HTML = forward.map { "<dt>Address</dt><dd>\($0.url)</dd>" } ?? "<dt>Address</dt><dd>it pulls</dd>"
    let held: HTML =
      held.isEmpty
      ? ""
      : """
      <dt>Held back</dt><dd class="bad">\(held.count) \(held.count == 1 ? "event" : "events") that it does not take. \
      The last is \(held[held.count - 1].id.description), since \(clock.html(held[held.count - 1].since)): \
      \(held[held.count - 1].why)</dd>
      """
    let rewind: HTML =
      queue.rewind.map { "<dt>Alarm</dt><dd class=\"bad\">\(clock.html($0.at)): \($0.description)</dd>" } ?? ""
    let conflict: HTML = forward?.conflict.map { "<dt>Alarm</dt><dd class=\"bad\">\($0)</dd>" } ?? ""
    return """
      <section class="card"><h2>Central</h2><p class="\(tone)">\(words)</p><dl>
      \(url)\(contact)\(held)\(rewind)\(conflict)
      </dl></section>
      """
  }

  /// Only where something cannot be asked.
  fileprivate func listenerCards(_ clock: WallClock) -> HTML {
    listeners.filter { $0.isListening == false }.map { listener -> HTML in
      let since: HTML = listener.since.map { " since \(clock.html($0))" } ?? ""
      return """
        <section class="card"><h2>\(listener.name)</h2><p class="bad">does not listen on \(listener.place)\(since): \
        \(listener.reason ?? "")</p></section>
        """
    }.joined()
  }

  fileprivate func deviceTable(_ clock: WallClock) -> HTML {
    guard !devices.isEmpty else { return "<p class=\"soft\">No device is configured.</p>" }
    let rows = devices.map { device -> HTML in
      let tone = device.state == .online ? "ok" : device.state == nil ? "warn" : "bad"
      let since: HTML = device.since.map { "since \(clock.html($0))" } ?? ""
      let reason: HTML = device.reason.map { "<br>\($0)" } ?? ""
      let last: HTML = device.lastGood.map { clock.html($0) } ?? "never"
      let faults = device.faults.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      return """
        <tr><td class="head">\(device.name)</td><td class="short">\(device.station)</td>\
        <td><span class="\(tone)">\(device.state?.rawValue ?? "connecting")</span> \(since)\(reason)</td>\
        <td data-label="Last good answer">\(last)</td>\
        <td data-label="Faults">\(faults.isEmpty ? "none" : faults)</td>\
        <td data-label="Address"><code>\(device.address)</code></td></tr>

        """
    }
    return """
      <div class="wide"><table class="rows"><thead><tr><th>Device</th><th>Station</th><th>State</th>\
      <th>Last good answer</th><th>Faults</th><th>Address</th></tr></thead><tbody>
      \(rows.joined())</tbody></table></div>
      """
  }

  fileprivate var stationCards: HTML {
    guard !contexts.isEmpty else { return "<p class=\"soft\">Nothing is in effect at any station.</p>" }
    let cards = contexts.map { context -> HTML in
      let fields = context.fields.map { field -> HTML in
        let isMaterial = field.name.hasPrefix(Stamp.materialPrefix)
        let name = isMaterial ? String(field.name.dropFirst(Stamp.materialPrefix.count)) : field.name
        return "<dt>\(name)</dt><dd>\(field.value)</dd>"
      }
      let list: HTML = fields.isEmpty ? "<p class=\"soft\">nothing is in effect</p>" : "<dl>\(fields.joined())</dl>"
      return "<section class=\"card\"><h2>\(context.station)</h2>\(list)</section>"
    }
    return "<div class=\"cards\">\(cards.joined())</div>"
  }
}
