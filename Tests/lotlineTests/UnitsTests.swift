import Foundation
import TestParts
import Testing

/// `make install` into a scratch folder, and what systemd says to it.
@Suite(.timeLimit(minutes: 5))
struct UnitsTests {
  static let systemd = FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")

  static let mandoc = FileManager.default.isExecutableFile(atPath: "/usr/bin/mandoc")

  @Test func `make install puts program, settings, maps and units where they belong`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder)
    let expected = [
      "usr/bin/lotline", "etc/lotline/edge.yaml", "etc/lotline/central.yaml",
      "etc/lotline/devices/hydraulic-press.yaml", "usr/share/lotline/devices/hydraulic-press.yaml",
      "usr/lib/systemd/system/lotline-edge.service", "usr/lib/systemd/system/lotline-central.service",
      "usr/lib/sysusers.d/lotline.conf", "usr/lib/tmpfiles.d/lotline.conf", "usr/lib/udev/rules.d/60-lotline.rules",
      "usr/share/man/man1/lotline.1",
      "usr/share/man/man1/lotline-edge-run.1", "usr/share/bash-completion/completions/lotline",
      "usr/share/zsh/vendor-completions/_lotline", "usr/share/fish/vendor_completions.d/lotline.fish",
    ]
    for path in expected { #expect(FileManager.default.fileExists(atPath: folder.file("root/\(path)")), "\(path)") }
  }

  /// Debian 12's udevadm cannot verify rules (that came with systemd 254): this takes them apart as udev(7) has them.
  @Test func `the udev rule keeps ModemManager away from scanners, in the form that udev reads`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder)
    let data = try #require(
      FileManager.default.contents(atPath: folder.file("root/usr/lib/udev/rules.d/60-lotline.rules")))
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    let term = /(ACTION|SUBSYSTEMS?|ENV\{[A-Z_]+\}|ATTRS?\{idVendor\}|GROUP|MODE|GOTO|LABEL)(==|=)"([^"]*)"/
    var rules: [[String: String]] = []
    for line in lines {
      var rule: [String: String] = [:]
      for part in line.components(separatedBy: ", ") {
        let found = try #require(try term.wholeMatch(in: part), "\(part)")
        rule["\(found.1)\(found.2)"] = String(found.3)
      }
      rules.append(rule)
    }
    #expect(
      rules.contains { $0["ENV{ID_MM_DEVICE_IGNORE}="] == "1" && $0["ATTR{idVendor}=="]?.contains("0c2e") == true })
    let port = try #require(rules.first { $0["SUBSYSTEM=="] == "tty" })
    #expect(port["ENV{ID_MM_PORT_IGNORE}="] == "1" && port["GROUP="] == "dialout" && port["MODE="] == "0660")
    #expect(port["ATTRS{idVendor}=="] == rules.compactMap { $0["ATTR{idVendor}=="] }.first)
    let vendors = port["ATTRS{idVendor}=="]?.split(separator: "|") ?? []
    #expect(vendors.count == Set(vendors).count && vendors.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{4}/) != nil })
    #expect(rules.compactMap { $0["GOTO="] } == rules.compactMap { $0["LABEL="] })
    let unit = folder.file("root/usr/lib/systemd/system/lotline-edge.service")
    #expect(try String(contentsOfFile: unit, encoding: .utf8).contains("SupplementaryGroups=dialout"))
  }

  @Test(.enabled(if: mandoc, "needs mandoc, a Debian package: make test installs it"))
  func `the manual has a page for each command, and nothing is to be said against its form`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder)
    let pages = folder.file("root/usr/share/man/man1")
    let names = try FileManager.default.contentsOfDirectory(atPath: pages).sorted()
    #expect(names.contains("lotline-decode.1") && names.contains("lotline-simulate.1") && names.count > 10)
    for name in names {
      let lint = try await Program.run(
        "/usr/bin/mandoc", ["-T", "lint", "-W", "warning", "\(pages)/\(name)"], in: folder)
      #expect(lint.status == 0 && lint.output.isEmpty, "\(name): \(lint.output)\(lint.messages)")
    }
    let shown = try await Program.run("/usr/bin/mandoc", ["-T", "utf8", "\(pages)/lotline-decode.1"], in: folder)
    let plain = shown.output.replacing(/.\u{8}/, with: "")
    #expect(plain.contains("lotline decode --words 0000,4248 --expect 50.0") && plain.contains("±0.5"))
  }

  @Test func `bash takes the completions, and they know the commands`() async throws {
    let folder = try ScratchFolder()
    try await install(in: folder)
    let script = folder.file("root/usr/share/bash-completion/completions/lotline")
    let taken = try await Program.run("/bin/bash", ["-c", "source '\(script)' && complete -p lotline"], in: folder)
    #expect(taken.status == 0 && taken.output.contains("lotline"), "\(taken.messages)")
    let text = try String(contentsOfFile: script, encoding: .utf8)
    for name in ["simulate", "decode", "--expect"] { #expect(text.contains(name)) }
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
        "ExecStart=/opt/lotline/bin/lotline edge run --config /etc/lotline/edge.yaml"
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
    // What the units call of the system is in every system, and must be in this root too.
    try FileManager.default.createDirectory(atPath: folder.file("root/bin"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: "/bin/kill", toPath: folder.file("root/bin/kill"))
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
