import Devices
import Events
import Foundation
import Settings
import Stations

/// The settings of a line PC with all of its maps: `/etc/lotline/edge.yaml`.
struct EdgeSettings: Sendable {
  static let standardPath = "/etc/lotline/edge.yaml"

  var source: SourceName
  var stations: [StationSettings]
  var devices: [DeviceSettings]
  var queue = QueuePlan()
  /// Nil: this PC pushes nothing; it may still be pulled.
  var central: PeerSettings?
  var web = WebSettings(listen: ListenAddress(host: "127.0.0.1", port: 8470))
  /// Without a socket: `edge.sock` in the service manager's runtime directory, otherwise beside the queue.
  var control = ControlSettings()
  /// Nil: nothing shows on the line whether readings are kept.
  var alarm: AlarmSettings?
  /// The settings and each map that they use, by the name under which history keeps them, with their text.
  var files: [(file: String, text: String)]

  /// Where the queue is, how large it may grow, and how long it keeps what the central has.
  struct QueuePlan: Sendable, Hashable {
    var path = "/var/lib/lotline/queue.db"
    var limitBytes = 10_000_000_000
    var keep: Duration = .seconds(30 * 86400)
  }

  /// Reads the settings and their maps, and opens nothing.
  ///
  /// - Throws: `SettingsError` with every problem of every file.
  static func read(_ path: String) throws -> EdgeSettings {
    try read(SettingsFile(path: path), maps: MapFolder(path: mapFolder(of: path)))
  }

  /// Where the maps of the settings at `path` are.
  static func mapFolder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "devices" : folder + "/devices"
  }

  /// Reads a file and the maps that it names.
  ///
  /// - Throws: `SettingsError` with every problem of every file.
  static func read(_ file: SettingsFile, maps: MapFolder) throws -> EdgeSettings {
    let settings = EdgeSettings(file, maps: maps)
    var problems = ProblemList()
    problems.add(file)
    problems.add(maps.problems)
    try problems.check(first: file.name)
    guard let settings else {
      throw SettingsError([
        Problem(
          file: file.name, line: 0, field: "", found: "settings that cannot be used", allowed: "complete settings")
      ])
    }
    return settings
  }

  /// Reads what `file` says; problems are left there and in `maps`.
  init?(_ file: SettingsFile, maps: MapFolder) {
    var fields = file.root.fields(of: "the settings of a line PC: source, stations, …")
    defer { fields.close() }
    let source = fields.required("source", "the line PC's name, such as plant1.line3.pc1").flatMap { node in
      node.text.flatMap { SourceName($0) }
        ?? {
          node.refuse(allowed: "1 to 64 of A-Z a-z 0-9 . _ -")
          return nil
        }()
    }
    let list = LineReader(fields.required("stations", "at least one station"), maps: maps)
    if let node = fields.optional("queue") { queue = Self.queue(node) }
    if let node = fields.optional("central") {
      var inner = node.fields(of: "{ url: \"https://trace.plant1:8480\", token-file: …, ca-file: … }")
      central = PeerSettings(&inner, urlName: "url")
      if inner.choice("compress", of: ["gzip", "none"]) == "none" { central?.compresses = false }
      inner.close()
    }
    web = WebSettings.read(fields.optional("web"), default: web.listen, asksToken: true)
    if let node = fields.optional("control") { control = ControlSettings(node, example: "/run/lotline/edge.sock") }
    stations = list.stations
    var listed = list.devices
    alarm = fields.optional("alarm").map { AlarmSettings($0, devices: &listed) }
    devices = listed
    files =
      [("edge.yaml", file.text)] + maps.loaded.map { ("devices/\($0.name).yaml", $0.text) }
    guard let source else { return nil }
    self.source = source
  }

  private static func queue(_ node: SettingsNode) -> QueuePlan {
    var queue = QueuePlan()
    var fields = node.fields(of: "{ path: /var/lib/lotline/queue.db, limit: 10GB, keep: 30d }")
    defer { fields.close() }
    if let path = fields.text("path", "the path of a file") { queue.path = path }
    if let limit = fields.byteCount("limit") {
      queue.limitBytes = limit
      if limit < smallestLimit { fields.optional("limit")?.refuse(allowed: "at least 1MB") }
    }
    if let keep = fields.duration("keep") { queue.keep = keep }
    return queue
  }

  /// Below this a queue could not hold a shift without a central.
  private static let smallestLimit = 1_000_000

  /// Where the control socket is.
  ///
  /// - Parameter environment: as the process got it; `RUNTIME_DIRECTORY` is systemd's.
  func controlSocket(environment: [String: String]) -> String {
    Self.controlSocket(control, queue, environment: environment)
  }

  /// Where the control socket is according to the file at `path`, whatever else is wrong in it or in its maps.
  ///
  /// So that the daemon can be asked how it stands while somebody edits its settings.
  static func controlSocket(in path: String, environment: [String: String]) throws -> String {
    let file: SettingsFile
    do { file = try SettingsFile(path: path) } catch {
      // In safe mode the daemon runs with others.
      let kept = GoodSettings(folder: stateFolder(of: path, environment: environment), path: path)
      guard let good = try? kept?.read() else { throw error }
      return good.controlSocket(environment: environment)
    }
    var fields = file.root.fields(of: "the settings of a line PC")
    let control =
      fields.optional("control").map { ControlSettings($0, example: "/run/lotline/edge.sock") } ?? ControlSettings()
    let queue = fields.optional("queue").map(Self.queue) ?? QueuePlan()
    return controlSocket(control, queue, environment: environment)
  }

  /// Where the daemon keeps its own small files: systemd's state directory, otherwise beside the queue, as far as the file
  /// at `path` can be read.
  static func stateFolder(of path: String, environment: [String: String]) -> String {
    if let folder = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(folder) }
    var plan = QueuePlan()
    if let file = try? SettingsFile(path: path) {
      var fields = file.root.fields(of: "the settings of a line PC")
      if let node = fields.optional("queue") { plan = queue(node) }
    }
    let folder = (plan.path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  private static func controlSocket(
    _ control: ControlSettings, _ queue: QueuePlan, environment: [String: String]
  ) -> String {
    if let socket = control.socket { return socket }
    if let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first { return "\(runtime)/edge.sock" }
    let folder = (queue.path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "edge.sock" : folder + "/edge.sock"
  }
}
