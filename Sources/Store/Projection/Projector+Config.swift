import Events
import GRDB
import Settings

extension Projector {
  /// What the edge's settings say about its stations: their devices, and the grey zones of their places.
  ///
  /// The edge has checked the file; what cannot be read here falls back to the defaults.
  mutating func config(_ data: ConfigData, _ key: EventKey) throws {
    guard data.file == "edge.yaml" || data.file.hasSuffix("/edge.yaml"),
      let file = try? SettingsFile(name: data.file, text: data.text)
    else { return }
    var top = file.root.fields(of: "settings")
    for (station, node) in top.optional("stations")?.entries(of: "stations") ?? [] {
      try serves(station)
      var fields = node.fields(of: "station")
      for (device, settings) in fields.optional("devices")?.entries(of: "devices") ?? [] {
        try insert(device, of: station, isScanner: settings.fields(of: "device").has("port"), key)
      }
      for (place, settings) in fields.optional("places")?.entries(of: "places") ?? [] {
        var inner = settings.fields(of: "place")
        guard var grey = inner.optional("grey")?.fields(of: "grey zone") else { continue }
        let cycles = grey.integer("cycles", in: 0...1_000_000) ?? GreyZone.standard.cycles
        let span = grey.duration("time") ?? GreyZone.standard.span
        try insert(GreyZone(cycles: cycles, span: span), of: place, at: station, key)
      }
    }
  }

  private func insert(_ device: String, of station: String, isScanner: Bool, _ key: EventKey) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO devices(source, device, incarnation, sequence, station, scanner) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [source, device, key.incarnation, key.sequence, station, isScanner])
  }

  private func insert(_ grey: GreyZone, of place: String, at station: String, _ key: EventKey) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO places(station, place, incarnation, sequence, cycles, span) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [
      station, place, key.incarnation, key.sequence, grey.cycles, grey.span.wholeMicroseconds,
    ])
  }
}

/// The cycles around a material change that could have had either lot: so many, or so long, on either side.
struct GreyZone: Sendable, Hashable {
  var cycles: Int
  var span: Duration

  /// Where the settings say nothing.
  static let standard = GreyZone(cycles: 1, span: .zero)
}
