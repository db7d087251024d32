import Devices
import Events
import Foundation
import Settings
import Stations
import TestParts
import Testing

@testable import lotline

/// What is delivered in `etc/lotline` and `devices` is tested as it is.
@Suite struct SettingsShippedTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private static var maps: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "devices").path)
        .filter { $0.hasSuffix(".yaml") }.sorted()
    }
  }

  /// The settings with their maps, `#key:` made `key:` if wanted.
  private static func folder(_ name: String, whole: Bool) throws -> ScratchFolder {
    let folder = try ScratchFolder()
    let text = try text("etc/lotline/\(name)")
    try folder.write(name, whole ? text.replacing(/(?m)^( *)#(?=[A-Za-z])/, with: { $0.1 }) : text)
    for map in try maps { try folder.write("devices/\(map)", try Self.text("devices/\(map)")) }
    return folder
  }

  @Test func `the edge's file has the defaults of the code`() throws {
    let shipped = try Self.folder("edge.yaml", whole: false)
    let found = try EdgeSettings.read(shipped.file("edge.yaml"))
    let bare = try SettingsFolder.make(edge: "source: pc1\nstations: { ST10: }")
    let standard = try EdgeSettings.read(bare.file("edge.yaml"))
    #expect(found.queue == standard.queue && found.web == standard.web && found.control == standard.control)
    #expect(found.alarm == nil && standard.alarm == nil)
    #expect(found.central == nil && standard.central == nil)
    let (station, other) = (found.stations[0], standard.stations[0])
    #expect(station.unitEnds == other.unitEnds && station.cycle == other.cycle)
    #expect(station.place("coil") == other.place("coil"))
    #expect(found.devices.map(\.map.name) == ["hydraulic-press", "line-scanner"])
  }

  @Test func `the central's file has the defaults of the code`() throws {
    let shipped = try Self.folder("central.yaml", whole: false)
    let found = try CentralSettings.read(shipped.file("central.yaml"))
    let bare = try SettingsFolder.make(central: "")
    let standard = try CentralSettings.read(bare.file("central.yaml"))
    #expect(found.store == standard.store && found.web == standard.web && found.timeZone == standard.timeZone)
    #expect(found.backup == nil && standard.backup == nil && found.control == standard.control)
    #expect(found.since == nil && found.sources.isEmpty && found.routes.isEmpty && found.readers.isEmpty)
  }

  @Test func `with their examples the files are right as well`() throws {
    let edgeFolder = try Self.folder("edge.yaml", whole: true)
    let edge = try EdgeSettings.read(edgeFolder.file("edge.yaml"))
    #expect(edge.central?.url == "https://trace.plant1:8480" && edge.web.certificateFile != nil)
    #expect(edge.alarm?.coil?.device == "press-1" && edge.alarm?.command.first == "/usr/local/bin/lamp")
    #expect(edge.devices.first?.lamp?.number == 16)
    let centralFolder = try Self.folder("central.yaml", whole: true)
    let central = try CentralSettings.read(centralFolder.file("central.yaml"))
    #expect(central.sources.count == 2 && central.routes["P9"]?.count == 5 && central.readers.count == 1)
    #expect(central.backup?.folder == "/srv/backup/lotline" && central.control.socket != nil)
  }

  /// An unknown key at each place makes the reader list the keys that it knows there.
  @Test(arguments: ["edge.yaml", "central.yaml"])
  func `every setting that the code knows is in the file`(name: String) throws {
    let folder = try Self.folder(name, whole: true)
    let text = try String(contentsOfFile: folder.file(name), encoding: .utf8)
    let places = [
      "edge.yaml": ["", "queue", "central", "web", "control", "alarm", "alarm.coil", "stations.ST10"],
      "central.yaml": ["", "store", "web", "backup", "control"],
    ]
    for place in try #require(places[name]) {
      let broken = try Self.adding("zzz: 1", at: place.split(separator: ".").map(String.init), to: text)
      try folder.write(name, broken)
      let found = try problems(in: folder) {
        if name == "edge.yaml" {
          _ = try EdgeSettings.read(folder.file(name))
        } else {
          _ = try CentralSettings.read(folder.file(name))
        }
      }
      let list = try #require(found.first { $0.contains("unknown key \"zzz\"") }?.split(separator: "allowed: ").last)
      for key in list.split(separator: ", ") where key != "zzz" {
        let entry = try Regex("(?m)^ {\(place.isEmpty ? 0 : place.split(separator: ".").count * 2)}\(key):")
        #expect(text.contains(entry), "\(name) lacks \(key) in \(place)")
      }
    }
  }

  /// Puts a line right under the key at the end of `path`.
  private static func adding(_ line: String, at path: [String], to text: String) throws -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var at = -1
    for (depth, key) in path.enumerated() {
      let start = String(repeating: "  ", count: depth) + key + ":"
      at = try #require(lines.indices.first { $0 > at && lines[$0] == start }, "no \(start)")
    }
    lines.insert(String(repeating: "  ", count: path.count) + line, at: at + 1)
    return lines.joined(separator: "\n")
  }
}
