import Events
import Foundation
import Settings

/// The settings of the central store: `/etc/lotline/central.yaml`.
struct CentralSettings: Sendable {
  static let standardPath = "/etc/lotline/central.yaml"

  var store = StoreSettings()
  /// The copies that the central takes of its store by itself; nil: none.
  var backup: BackupSettings?
  var web = WebSettings(listen: ListenAddress(host: "127.0.0.1", port: 8480))
  /// Of pages, shifts and reports; events stay in UTC.
  var timeZone = "UTC"
  /// Traceability begins here: nothing before it is a gap.
  var since: Timestamp?
  /// The line PCs that are heard, in the order of the file.
  var sources: [SourceSettings] = []
  /// The stations that a product goes through, by product.
  var routes: [String: [RouteSettings]] = [:]
  /// Who may read from beyond loopback.
  var readers: [ReaderSettings] = []
  /// Without a socket: `central.sock` beside the store.
  var control = ControlSettings()
  /// The settings by the name under which history keeps them, with their text.
  var files: [(file: String, text: String)] = []

  /// Where history is kept.
  struct StoreSettings: Sendable, Hashable {
    /// The SQLite file.
    var sqlite = "/var/lib/lotline/central.db"
  }

  /// Copies of the store: line PCs are told that events are safe once one of these has them.
  struct BackupSettings: Sendable, Hashable {
    var folder: String
    var every: Duration = .seconds(86400)
    /// How many are kept.
    var keep = 7
  }

  /// One line PC.
  struct SourceSettings: Sendable, Hashable {
    var name: SourceName
    /// The token that it shows when it pushes; nil: it may push from loopback only.
    var tokenFile: String?
    /// Where it is pulled from; nil: it pushes.
    var pull: PeerSettings?
  }

  /// One step of a route: a station, or any one of several.
  struct RouteSettings: Sendable, Hashable {
    var stations: [String]
    var isOptional = false
    /// Tags (or `result`) without which the step's cycle is not complete.
    var needs: [String] = []
    /// How long after the step before it this one must have come.
    var within: Duration?
  }

  /// Somebody who may read from beyond loopback.
  struct ReaderSettings: Sendable, Hashable {
    var name: String
    var tokenFile: String
  }

  /// Reads the settings, and opens nothing.
  ///
  /// - Throws: `SettingsError` with every problem of the file.
  static func read(_ path: String) throws -> CentralSettings {
    let file = try SettingsFile(path: path)
    let settings = CentralSettings(file)
    try file.check()
    return settings
  }

  /// Reads what `file` says; problems are left there.
  init(_ file: SettingsFile) {
    files = [("central.yaml", file.text)]
    var fields = file.root.fields(of: "the settings of a central: store, web, sources, routes, …")
    defer { fields.close() }
    if let node = fields.optional("store") { store = Self.store(node) }
    if let node = fields.optional("backup") { backup = Self.backup(node) }
    if let node = fields.optional("control") {
      control = ControlSettings(node, example: "/var/lib/lotline/central.sock")
    }
    let webNode = fields.optional("web")
    web = WebSettings.read(webNode, default: web.listen, asksToken: false)
    if let zone = fields.optional("time-zone") {
      if let name = zone.text, TimeZone(identifier: name) != nil {
        timeZone = name
      } else {
        zone.refuse(
          allowed: "a time zone such as Asia/Shanghai, Europe/Berlin or UTC",
          nearest: zone.text.flatMap { nearestName(to: $0, among: TimeZone.knownTimeZoneIdentifiers) })
      }
    }
    if let node = fields.optional("since") { since = Self.since(node, in: timeZone) }
    if let node = fields.optional("sources") {
      sources = node.entries(of: "a mapping of line PCs by name").compactMap(Self.source)
    }
    if let node = fields.optional("routes") {
      for (product, steps) in node.entries(of: "a mapping of products to their stations") {
        routes[product] = Self.route(steps)
      }
    }
    if let node = fields.optional("readers") {
      readers = node.entries(of: "a mapping of readers by name").compactMap(Self.reader)
    }
    if !web.listen.isLoopback, readers.isEmpty, let webNode {
      webNode.refuse(
        found: "\"\(web.listen)\", beyond this PC, without readers",
        allowed: "an address of loopback (127.0.0.1, ::1), or readers: { NAME: { token-file: … } } as well")
    }
  }

  private static func store(_ node: SettingsNode) -> StoreSettings {
    var store = StoreSettings()
    var fields = node.fields(of: "{ sqlite: /var/lib/lotline/central.db }")
    defer { fields.close() }
    fields.unsupported("postgres")
    if let path = fields.text("sqlite", "the path of a file") { store.sqlite = path }
    return store
  }

  private static func backup(_ node: SettingsNode) -> BackupSettings? {
    var fields = node.fields(of: "{ folder: /srv/backup/lotline, every: 24h, keep: 7 }")
    defer { fields.close() }
    let folder = fields.requiredText("folder", "the path of a folder")
    let every = fields.duration("every", atLeast: .seconds(60))
    let keep = fields.integer("keep", in: 1...1000)
    guard let folder else { return nil }
    if !folder.hasPrefix("/") { fields.optional("folder")?.refuse(allowed: "a path that begins with /") }
    var backup = BackupSettings(folder: folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder)
    if let every { backup.every = every }
    if let keep { backup.keep = keep }
    return backup
  }

  /// A day begins where the people are, not in Greenwich.
  private static func since(_ node: SettingsNode, in zone: String) -> Timestamp? {
    let parts = (node.text ?? "").split(separator: "-", omittingEmptySubsequences: false)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
    guard parts.map(\.count) == [4, 2, 2], parts.joined().allSatisfy({ $0.isASCII && $0.isNumber }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      case let wanted = DateComponents(year: year, month: month, day: day), let date = calendar.date(from: wanted),
      calendar.dateComponents([.year, .month, .day], from: date) == wanted
    else {
      node.refuse(allowed: "a day such as 2026-12-01")
      return nil
    }
    return Timestamp(microseconds: Int64(date.timeIntervalSince1970) * 1_000_000)
  }

  private static func source(name: String, node: SettingsNode) -> SourceSettings? {
    var fields = node.fields(of: "{ token-file: … } of a line PC that pushes, { pull: \"https://…\" } of another")
    defer { fields.close() }
    let source = SourceName(name)
    if source == nil {
      node.refuse(found: "\"\(name.prefix(80))\" as the name of a line PC", allowed: "1 to 64 of A-Z a-z 0-9 . _ -")
    }
    if fields.has("pull") {
      let pull = PeerSettings(&fields, urlName: "pull")
      return source.map { SourceSettings(name: $0, pull: pull) }
    }
    _ = fields.optional("pull")
    if let authority = fields.optional("ca-file") {
      authority.refuse(found: "ca-file without pull", allowed: "ca-file where the central pulls")
    }
    let tokenFile = fields.text("token-file", "the path of a file")
    return source.map { SourceSettings(name: $0, tokenFile: tokenFile) }
  }

  private static func reader(name: String, node: SettingsNode) -> ReaderSettings? {
    var fields = node.fields(of: "{ token-file: … }")
    defer { fields.close() }
    let file = fields.requiredText("token-file", "the path of a file")
    guard node.checkName(name, of: "reader"), let file else { return nil }
    return ReaderSettings(name: name, tokenFile: file)
  }
}

extension CentralSettings {
  /// Where the commands reach the central.
  var controlSocket: String {
    if let socket = control.socket { return socket }
    let folder = (store.sqlite as NSString).deletingLastPathComponent
    return folder.isEmpty ? "central.sock" : folder + "/central.sock"
  }
}
