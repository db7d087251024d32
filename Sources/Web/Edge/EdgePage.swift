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
    var events: [EventWords] = []
    var unreadable: String?
    do throws(QueueFault) {
      events = try await queue.newest(limit: Self.shownEvents).lines.reversed().compactMap { EventWords(line: $0) }
    } catch { unreadable = error.description }
    let body: HTML = """
      <h1 class="\(state.queue.accepts ? "ok" : "bad")">\(state.capturing)</h1>
      <div class="cards">
      \(state.queueCard)
      \(state.centralCard)
      </div>
      <h2>Devices</h2>
      \(state.deviceTable)
      <h2>Stations</h2>
      \(state.stationCards)
      <h2>Last events</h2>
      \(Self.eventTable(events, unreadable: unreadable))
      """
    return Page(
      title: "\(source): \(state.queue.accepts ? "capturing" : "not capturing")", refreshSeconds: 3,
      banner: "<span>\(source)</span><span>\(moment(state.now))</span>", body: body
    ).response()
  }

  private static func eventTable(_ events: [EventWords], unreadable: String?) -> HTML {
    if let unreadable { return "<p class=\"bad\">\(unreadable)</p>" }
    guard !events.isEmpty else { return "<p class=\"soft\">No event yet.</p>" }
    let rows = events.map { event -> HTML in
      """
      <tr><td class="number">\(event.sequence)</td><td>\(moment(event.time))</td><td>\(event.subject)</td>\
      <td><span class="\(event.tone)">\(event.words)</span></td></tr>

      """
    }
    return """
      <div class="wide"><table><thead><tr><th>No.</th><th>Time</th><th>Where</th><th>What</th></tr></thead><tbody>
      \(rows.joined())</tbody></table></div>
      """
  }
}

/// A time for people: UTC, to the second, with the exact form for programs.
func moment(_ time: Timestamp) -> HTML {
  let exact = time.description
  return "<time datetime=\"\(exact)\">\(exact.prefix(10)) \(exact.dropFirst(11).prefix(8)) UTC</time>"
}

extension EdgeState {
  fileprivate var queueCard: HTML {
    let share = queue.limitBytes > 0 ? Double(queue.bytes) / Double(queue.limitBytes) * 100 : 0
    let damage: HTML =
      queue.damaged.isEmpty
      ? ""
      : "<dt>Damaged</dt><dd class=\"bad\">\(queue.damaged.map(\.description).joined(separator: ", "))</dd>"
    let shed: HTML =
      queue.shed == 0 ? "" : "<dt>Given up</dt><dd class=\"bad\">\(queue.shed) readings: nearly full</dd>"
    return """
      <section class="card"><h2>Queue</h2><dl>
      <dt>Last event</dt><dd class="number">\(queue.last)</dd>
      <dt>Not at the central</dt><dd class="number">\(unsent)</dd>
      <dt>On disk</dt><dd>\(queue.rows) events, \(queue.bytes / 1000) kB \
      (\(Int(share.rounded(.up))) % of the limit)</dd>
      \(damage)\(shed)
      </dl></section>
      """
  }

  fileprivate var centralCard: HTML {
    let (tone, words): (String, String) =
      switch forward?.state {
      case nil: (unsent == 0 ? "ok" : "warn", unsent == 0 ? "has everything" : "has not fetched \(unsent) events yet")
      case .idle where unsent == 0: ("ok", "has everything")
      case .idle, .sending, .starting: ("warn", "\(unsent) events on their way")
      case .away, .refused: ("bad", forward?.words ?? "")
      }
    let contact: HTML = forward?.lastContact.map { "<dt>Last heard of</dt><dd>\(moment($0))</dd>" } ?? ""
    let url: HTML = forward.map { "<dt>Address</dt><dd>\($0.url)</dd>" } ?? "<dt>Address</dt><dd>it pulls</dd>"
    let conflict: HTML = forward?.conflict.map { "<dt>Alarm</dt><dd class=\"bad\">\($0)</dd>" } ?? ""
    return """
      <section class="card"><h2>Central</h2><p class="\(tone)">\(words)</p><dl>
      \(url)\(contact)\(conflict)
      </dl></section>
      """
  }

  fileprivate var deviceTable: HTML {
    guard !devices.isEmpty else { return "<p class=\"soft\">No device is configured.</p>" }
    let rows = devices.map { device -> HTML in
      let tone = device.state == .online ? "ok" : device.state == nil ? "warn" : "bad"
      let since: HTML = device.since.map { "since \(moment($0))" } ?? ""
      let reason: HTML = device.reason.map { "<br>\($0)" } ?? ""
      let last: HTML = device.lastGood.map { moment($0) } ?? "never"
      let faults = device.faults.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      return """
        <tr><td>\(device.name)</td><td>\(device.station)</td>\
        <td><span class="\(tone)">\(device.state?.rawValue ?? "connecting")</span> \(since)\(reason)</td>\
        <td>\(last)</td><td>\(faults.isEmpty ? "none" : faults)</td><td><code>\(device.address)</code></td></tr>

        """
    }
    return """
      <div class="wide"><table><thead><tr><th>Device</th><th>Station</th><th>State</th><th>Last good answer</th>\
      <th>Faults</th><th>Address</th></tr></thead><tbody>
      \(rows.joined())</tbody></table></div>
      """
  }

  fileprivate var stationCards: HTML {
    guard !contexts.isEmpty else { return "<p class=\"soft\">Nothing is in effect at any station.</p>" }
    let cards = contexts.map { context -> HTML in
      let fields = context.fields.map { field -> HTML in "<dt>\(field.name)</dt><dd>\(field.value)</dd>" }
      let list: HTML = fields.isEmpty ? "<p class=\"soft\">nothing is in effect</p>" : "<dl>\(fields.joined())</dl>"
      return "<section class=\"card\"><h2>\(context.station)</h2>\(list)</section>"
    }
    return "<div class=\"cards\">\(cards.joined())</div>"
  }
}
