import Events
import GRDB

/// What is known of one station when its links are graded: the changes of its places, and what could hide one.
struct StationHistory {
  struct Change {
    let key: EventKey
    let time: Timestamp
    let former: String?
    let latter: String?
    let how: String
    let origin: String?

    /// From one lot to another: around these there is a grey zone.
    var isSwap: Bool { former != nil && latter != nil && former != latter }
  }

  /// A gap in which a change of a material, or a unit, could have gone unseen.
  struct Hiding {
    let id: String
    let kind: String
    let device: String?
    let began: Timestamp?
    let ended: Timestamp?

    func isWithin(_ from: Timestamp, _ to: Timestamp) -> Bool {
      (ended.map { $0 > from } ?? true) && (began.map { $0 <= to } ?? true)
    }

    /// In words, after "since it was loaded".
    var reason: String {
      let who = device.map { " (\($0))" } ?? ""
      let span = "from \(began.map(\.shown) ?? "an unknown time") to \(ended.map(\.shown) ?? "now")"
      switch kind {
      case "device-offline": return "the scanner\(who) was away \(span)"
      case "daemon-down": return "the line PC recorded nothing \(span)"
      case "unreadable-scan": return "a scan could not be read\(who) at \(ended.map(\.shown) ?? "an unknown time")"
      default: return "events of the line PC are missing here \(span)"
      }
    }
  }

  /// By field, in the order of the events.
  let changes: [String: [Change]]
  let hiding: [Hiding]
  private let zones: [(place: String, key: EventKey, zone: GreyZone)]

  /// The kinds of gap that can hide a change.
  static let hidingKinds = [
    "device-offline", "daemon-down", "unreadable-scan", "lost", "released", "sequence-hole", "held",
  ]

  init(of station: String, in db: Database) throws {
    var changes: [String: [Change]] = [:]
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT field, incarnation, sequence, time, former, latter, how, origin_incarnation, origin FROM changes
        WHERE station = ? AND (field = 'lot' OR field = 'unit' OR field LIKE 'materials.%')
        ORDER BY incarnation, sequence
        """, arguments: [station])
    for row in rows {
      let origin = (row["origin_incarnation"] as String?).map { "\($0):\(row["origin"] as Int64)" }
      changes[row["field"], default: []].append(
        Change(
          key: EventKey(row), time: Timestamp(microseconds: row["time"]), former: row["former"], latter: row["latter"],
          how: row["how"], origin: origin))
    }
    self.changes = changes
    hiding = try Row.fetchAll(
      db,
      sql: """
        SELECT g.id, g.kind, g.device, g.began, g.ended FROM gaps g
        WHERE g.kind IN (\(Self.hidingKinds.map { "'\($0)'" }.joined(separator: ", ")))
        AND (g.station = ? OR (g.station IS NULL AND g.source IN (SELECT source FROM stations WHERE station = ?)))
        AND NOT (g.kind = 'device-offline' AND EXISTS(
          SELECT 1 FROM devices d WHERE d.source = g.source AND d.device = g.device AND d.scanner = 0))
        ORDER BY g.sorted, g.id
        """, arguments: [station, station]
    ).map {
      Hiding(
        id: $0["id"], kind: $0["kind"], device: $0["device"], began: $0.time("began"), ended: $0.time("ended"))
    }
    zones = try Row.fetchAll(
      db,
      sql: """
        SELECT place, incarnation, sequence, cycles, span FROM places WHERE station = ? ORDER BY incarnation, sequence
        """, arguments: [station]
    ).map { ($0["place"], EventKey($0), GreyZone(cycles: $0["cycles"], span: .microseconds($0["span"] as Int64))) }
  }

  /// The grey zone that the settings in force then gave to a place.
  func zone(of place: String, at key: EventKey) -> GreyZone {
    zones.last { $0.place == place && $0.key < key }?.zone ?? .standard
  }

  /// The first gap in which a change between the two times could have gone unseen.
  func hiding(after loaded: Timestamp, until time: Timestamp) -> Hiding? {
    hiding.first { $0.isWithin(loaded, time) }
  }
}

extension Timestamp {
  /// For sentences: to the second, UTC.
  var shown: String { description.prefix(19).replacing("T", with: " ") + " UTC" }
}
