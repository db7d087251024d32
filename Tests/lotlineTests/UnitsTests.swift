import Foundation
import TestParts
import Testing

/// `make install` into a scratch folder, and what systemd says to it.
@Suite(.timeLimit(.minutes(2)))
struct UnitsTests {
  static let systemd = FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")

  @Test func `make install puts program, settings, maps and units where they belong`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder)
    let expected = [
      "usr/bin/lotline", "etc/lotline/edge.yaml", "etc/lotline/central.yaml",
      "etc/lotline/devices/hydraulic-press.yaml", "usr/share/lotline/devices/hydraulic-press.yaml",
      "usr/lib/systemd/system/lotline-edge.service", "usr/lib/systemd/system/lotline-central.service",
      "usr/lib/sysusers.d/lotline.conf", "usr/lib/tmpfiles.d/lotline.conf",
    ]
    for path in expected { #expect(FileManager.default.fileExists(atPath: folder.file("root/\(path)")), "\(path)") }
  }

  @Test func `an installation over another keeps the owner's settings`() async throws {
    let folder = try ScratchFolder()
    try folder.write("root/etc/lotline/edge.yaml", "source: mine\n")
    let output = try await install(in: folder)
    #expect(output.contains("kept: "))
    #expect(
      FileManager.default.contents(atPath: folder.file("root/etc/lotline/edge.yaml")) == Data("source: mine\n".utf8))
  }

  @Test func `the units start the program that was installed with them`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder, prefix: "/opt/lotline")
    let unit = try #require(
      FileManager.default.contents(atPath: folder.file("root/opt/lotline/lib/systemd/system/lotline-edge.service")))
    let commands = String(decoding: unit, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("ExecStart") }
    #expect(
      commands == [
        "ExecStartPre=/opt/lotline/bin/lotline check /etc/lotline/edge.yaml",
        "ExecStart=/opt/lotline/bin/lotline edge run --config /etc/lotline/edge.yaml",
      ])
  }

  @Test(.enabled(if: systemd, "needs systemd-analyze")) func `systemd has nothing to say against the units`()
    async throws
  {
    let folder = try ScratchFolder()
    try await install(in: folder)
    // The units that ours name, and those name, must be in the same root.
    let units = folder.file("root/usr/lib/systemd/system")
    for name in try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/systemd/system")
    where !name.contains("lotline") {
      try? FileManager.default.copyItem(atPath: "/usr/lib/systemd/system/\(name)", toPath: "\(units)/\(name)")
    }
    for unit in ["lotline-edge.service", "lotline-central.service"] {
      let verdict = try await Program.run(
        "/usr/bin/systemd-analyze", ["verify", "--root=\(folder.file("root"))", "/usr/lib/systemd/system/\(unit)"],
        in: folder)
      #expect(verdict.status == 0)
      #expect(verdict.output + verdict.messages == "")
    }
  }

  @discardableResult
  private func install(in folder: ScratchFolder, prefix: String = "/usr") async throws -> String {
    let made = try await Program.run(
      "/usr/bin/make",
      [
        "-C", Program.tree, "install", "DESTDIR=\(folder.file("root"))", "PREFIX=\(prefix)",
        "BINARY=\(Program.lotline)",
      ], in: folder)
    try #require(made.status == 0, "\(made.messages)")
    return made.output
  }
}
