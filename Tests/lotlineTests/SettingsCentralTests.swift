import Events
import Settings
import TestParts
import Testing

@testable import lotline

@Suite struct SettingsCentralTests {
  @Test func `settings with all keys are read as they are written`() throws {
    let folder = try SettingsFolder.make()
    let settings = try CentralSettings.read(folder.file("central.yaml"))
    #expect(settings.store.sqlite == "/tmp/central.db")
    #expect(settings.web == WebSettings(listen: ListenAddress(host: "127.0.0.1", port: 8480)))
    #expect(settings.timeZone == "Asia/Shanghai")
    // The day begins in Shanghai, eight hours before it does in Greenwich.
    #expect(settings.since == Timestamp("2026-11-30T16:00:00Z"))
    #expect(settings.sources.map(\.name.description) == ["pc1", "pc2"])
    #expect(settings.sources[0].tokenFile == "/t1" && settings.sources[0].pull == nil)
    #expect(
      settings.sources[1].pull == PeerSettings(url: "https://pc2.plant1:8470", tokenFile: "/t2", caFile: "/ca"))
    #expect(
      settings.routes == [
        "P9": [.init(stations: ["ST10"]), .init(stations: ["ST20"], needs: ["peak", "result"])],
        "P10": [
          .init(stations: ["ST30", "ST31"], isOptional: true),
          .init(stations: ["ST40"], within: .seconds(8 * 3600)),
        ],
      ])
    #expect(settings.readers == [.init(name: "quality", tokenFile: "/r")])
    #expect(settings.backup == .init(folder: "/srv/backup", every: .seconds(12 * 3600), keep: 3))
    #expect(settings.controlSocket == "/run/central.sock")
    #expect(settings.files.map(\.file) == ["central.yaml"])
  }

  @Test func `an empty file is the defaults`() throws {
    let folder = try SettingsFolder.make(central: "")
    let settings = try CentralSettings.read(folder.file("central.yaml"))
    #expect(settings.store.sqlite == "/var/lib/lotline/central.db")
    #expect(settings.web.listen == ListenAddress(host: "127.0.0.1", port: 8480))
    #expect(settings.backup == nil && settings.controlSocket == "/var/lib/lotline/central.sock")
    #expect(settings.timeZone == "UTC" && settings.since == nil && settings.sources.isEmpty)
  }

  @Test(arguments: SettingsCase.list(brokenCentral))
  func `broken settings of a central are refused in one line that mends them`(_ broken: SettingsCase) throws {
    let folder = try SettingsFolder.make(central: try broken.applied(to: SettingsFolder.central))
    let found = try problems(in: folder) { _ = try CentralSettings.read(folder.file("central.yaml")) }
    #expect(found == broken.problems)
  }

  @Test func `a central that others reach needs certificates and readers`() throws {
    let folder = try SettingsFolder.make(central: "web: { listen: \"0.0.0.0:8480\" }")
    let found = try problems(in: folder) { _ = try CentralSettings.read(folder.file("central.yaml")) }
    #expect(found.count == 2 && found.contains { $0.contains("without certificate-file, key-file;") })
    #expect(found.contains { $0.contains("beyond this PC, without readers;") })
    try folder.write(
      "central.yaml",
      """
      web: { listen: "0.0.0.0:8480", certificate-file: /c, key-file: /k }
      readers: { quality: { token-file: /r } }
      """)
    #expect(try CentralSettings.read(folder.file("central.yaml")).web.certificateFile == "/c")
  }
}
