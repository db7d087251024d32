import Devices
import Events
import Settings
import TestParts
import Testing

@testable import lotline

@Suite struct SettingsCheckTests {
  @Test func `check shows each device with the requests that it will get`() throws {
    let folder = try SettingsFolder.make()
    let checked = CheckedFile(folder.file("edge.yaml"))
    #expect(checked.problems.isEmpty && checked.kind == .edge)
    let lines = checked.text.split(separator: "\n").map(String.init)
    #expect(lines[0].hasSuffix("the settings of line PC plant1.line3.pc1: 2 stations, 3 devices; nothing wrong"))
    #expect(
      lines.contains("press-1 at station ST10: map press, 127.0.0.1:502 unit 1, 14.0 requests/s at rest"))
    let cells = lines.map { $0.split(separator: " ").map(String.init) }
    #expect(cells.contains(["process", "poll", "500ms", "3", "holding", "0", "2", "1"]))
    #expect(cells.contains(["process", "poll", "500ms", "3", "holding", "19", "1", "1"]))
    #expect(cells.contains(["cycle", "trigger", "100ms", "3", "holding", "99", "1", "1"]))
    #expect(cells.contains { $0.prefix(7) == ["cycle", "block", "cycle", "3", "holding", "99", "5"] })
    #expect(lines.contains(#"gun-1 at station ST10: map gun, /dev/ttyACM0, 9600 8N1, ends with "\r""#))
    #expect(lines.contains(#"  answers: "\x06" after the commit, "\x15" for a refusal"#))
  }

  @Test func `check tells settings of an edge, of a central, and maps apart by their keys`() throws {
    let folder = try SettingsFolder.make()
    #expect(CheckedFile(folder.file("central.yaml")).kind == .central)
    #expect(CheckedFile(folder.file("devices/press.yaml")).kind == .map)
    #expect(CheckedFile(folder.file("devices/gun.yaml")).text.contains("^C-(?<material>[0-9]+)$"))
    let other = try folder.write("other.yaml", "routes: { P9: [ST10] }")
    #expect(CheckedFile(other).kind == .central)
    #expect(CheckedFile(other).text.hasSuffix("the settings of a central: 0 sources, 1 route; nothing wrong"))
  }

  @Test func `for programs check gives problems field by field, and requests as numbers`() throws {
    let folder = try SettingsFolder.make()
    let good = try #require(Self.json(CheckedFile(folder.file("devices/press.yaml"))))
    let request = try #require(good["devices"]?.items?.first?["requests"]?.items?.first)
    #expect(request["group"]?.text == "process" && request["for"]?.text == "poll")
    #expect(request["address"]?.whole == 0 && request["count"]?.whole == 2 && request["every_ms"]?.whole == 500)
    #expect(request["function"]?.whole == 3 && request["tags"]?.items == [.string("force")])
    try folder.write("devices/press.yaml", SettingsFolder.press.replacing("float32, unit", with: "flaot32, unit"))
    let bad = try #require(Self.json(CheckedFile(folder.file("devices/press.yaml"))))
    let problem = try #require(bad["problems"]?.items?.first)
    #expect(problem["line"]?.whole == 12 && problem["field"]?.text == "groups.process.tags.force.type")
    #expect(problem["found"]?.text == "\"flaot32\"" && problem["nearest"]?.text == "float32")
  }

  private static func json(_ file: CheckedFile) -> JSON? {
    var writer = JSONWriter()
    file.write(to: &writer)
    return JSON(writer.bytes)
  }
}
