import Devices
import Events
import Machine
import Settings

/// The last settings that ran well for a minute, with all of their maps: what the daemon falls back to.
///
/// One file, replaced as a whole, whose first line tells whether the rest is as it was written.
struct GoodSettings: Sendable, Equatable {
  /// The settings file that they were read from.
  let path: String
  /// Since when they were known to run well.
  let since: Timestamp
  /// By the name under which history keeps them: `edge.yaml`, `devices/NAME.yaml`.
  let files: [String: String]

  private static let form = "lotline-good-settings-1"
  private static let limit = 64 << 20

  init(path: String, since: Timestamp, files: [(file: String, text: String)]) {
    (self.path, self.since) = (path, since)
    self.files = Dictionary(files.map { ($0.file, $0.text) }, uniquingKeysWith: { first, _ in first })
  }

  /// Those kept in the daemon's folder for the settings file at `path`; nil where there are none that are whole.
  init?(folder: String, path: String) {
    guard
      let bytes = try? contents(
        of: Self.file(in: folder), limit: min(size(of: Self.file(in: folder)) ?? 0, Self.limit)),
      let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    let rest = Array(bytes[(end + 1)...])
    let json = JSON(rest)
    guard String(decoding: bytes[..<end], as: UTF8.self) == Self.head(of: rest), let json,
      json["path"]?.text == path, let since = json["since"]?.time, let files = json["files"]?.members
    else { return nil }
    self.init(path: path, since: since, files: files.map { ($0.name, $0.value.text ?? "") })
  }

  private static func file(in folder: String) -> String { folder + "/edge.good-settings" }

  private static func head(of rest: [UInt8]) -> String { "\(form) \(ChainHash.zero.extended(by: rest))" }

  /// Puts them into the daemon's folder, so that a power cut leaves the old ones or these.
  func write(to folder: String) throws(SystemFailure) {
    var writer = JSONWriter(capacity: 65536)
    writer.object { writer in
      writer.field("path", path)
      writer.field("since", since)
      writer.key("files")
      writer.object { writer in
        for (name, text) in files.sorted(by: { $0.key < $1.key }) { writer.field(name, text) }
      }
    }
    try replaceFile(at: Self.file(in: folder), with: Array("\(Self.head(of: writer.bytes))\n".utf8) + writer.bytes)
  }

  /// Reads them as if they were the files.
  func read() throws -> EdgeSettings {
    let maps = files.filter { $0.key.hasPrefix("devices/") }.map { (String($0.key.dropFirst(8).dropLast(5)), $0.value) }
    return try EdgeSettings.read(
      SettingsFile(name: path, text: files["edge.yaml"] ?? ""),
      maps: MapFolder(
        path: EdgeSettings.mapFolder(of: path), texts: Dictionary(maps, uniquingKeysWith: { first, _ in first })))
  }
}
