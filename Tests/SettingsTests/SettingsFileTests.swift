import Foundation
import Settings
import TestParts
import Testing

/// The problems that `read` finds in `text`, each as its line.
func problems(_ text: String, _ read: (SettingsNode) -> Void) throws -> [String] {
  let file = try SettingsFile(name: "edge.yaml", text: text)
  read(file.root)
  do {
    try file.check()
    return []
  } catch let error as SettingsError {
    return error.problems.map(\.description)
  }
}

@Suite struct SettingsFileTests {
  private func failure(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return "\(error)" }
  }

  @Test func `a file that is not there is named`() throws {
    let folder = try ScratchFolder()
    let path = folder.file("edge.yaml")
    #expect(
      failure { _ = try SettingsFile(path: path) } == "\(path): found no such file; allowed: a readable YAML file")
  }

  @Test func `a file that is not UTF-8 is refused`() throws {
    let folder = try ScratchFolder()
    let path = folder.file("edge.yaml")
    try Data([0x61, 0x3A, 0x20, 0xFF, 0xFE, 0x0A]).write(to: URL(filePath: path))
    #expect(
      failure { _ = try SettingsFile(path: path) }
        == "\(path): found bytes that are not UTF-8; allowed: YAML in UTF-8")
  }

  @Test(arguments: [
    ("a: [1, 2\nb: 3\n", 2), ("a: \"open\nb: 1\n", 3), ("a:\n  b: 1\n c: 2\n", 3), ("a: 1\n\tb: 2\n", 2),
    ("a: \"\\d\"\n", 1), ("a: b: c\n", 1), ("a: *nowhere\n", 1), ("@a: 1\n", 1),
  ])
  func `what is no YAML is refused with its line`(text: String, line: Int) throws {
    let error = #expect(throws: SettingsError.self) { try SettingsFile(name: "edge.yaml", text: text) }
    let problem = try #require(error?.problems.first)
    #expect(problem.line == line, "\(problem)")
    #expect(problem.found.hasPrefix("no valid YAML ("))
    #expect(problem.allowed == "YAML: check the indentation, quotes and brackets of this line and the one above")
  }

  @Test func `a key that stands twice is refused`() throws {
    let error = #expect(throws: SettingsError.self) {
      try SettingsFile(name: "edge.yaml", text: "a: 1\nb:\n  unit: 1\n  lot: 2\n  unit: 3\n")
    }
    let problem = try #require(error?.problems.first)
    #expect(problem.field == "unit")
    #expect(problem.found == "the same key twice")
    #expect(problem.line > 0)
  }

  @Test func `an empty file is an empty mapping`() throws {
    for text in ["", "# only a comment\n", "---\n"] {
      let found = try problems(text) { root in
        var fields = root.fields(of: "settings")
        let sourceValue = fields.text("source")
        #expect(sourceValue == nil)
        fields.close()
      }
      #expect(found == [], "\(text)")
    }
  }

  @Test func `a missing field is asked for`() throws {
    let found = try problems("station: 1\n") { root in
      var fields = root.fields(of: "settings")
      _ = fields.requiredText("source", "the name of this line PC")
      _ = fields.text("station")
      fields.close()
    }
    #expect(found == ["edge.yaml:1: found no \"source\"; allowed: source: the name of this line PC"])
  }

  @Test func `an unknown key is refused with the nearest one`() throws {
    let found = try problems("source: pc1\nqueue:\n  limmit: 1GB\n  colour: red\n") { root in
      var fields = root.fields(of: "settings")
      _ = fields.text("source")
      if let queue = fields.optional("queue") {
        var inner = queue.fields(of: "the queue's settings")
        _ = inner.byteCount("limit")
        _ = inner.text("path")
        inner.close()
      }
      fields.close()
    }
    #expect(
      found == [
        "edge.yaml:3: queue.limmit: found unknown key \"limmit\"; allowed: limit, path; did you mean \"limit\"?",
        "edge.yaml:4: queue.colour: found unknown key \"colour\"; allowed: limit, path",
      ])
  }

  @Test func `what is not built yet is refused by name`() throws {
    let found = try problems("gs1: { lot: 10 }\n") { root in
      var fields = root.fields(of: "a rule")
      fields.unsupported("gs1", "a GS1 element")
      fields.close()
    }
    #expect(found == ["edge.yaml:1: gs1: found \"gs1\"; allowed: leave it out: a GS1 element is not supported yet"])
  }

  @Test func `a value in place of a mapping or a list is refused`() throws {
    let found = try problems("a: 1\nb: { c: 1 }\nd: [1]\n") { root in
      var fields = root.fields(of: "settings")
      var inner = fields.optional("a")?.fields(of: "a mapping of x")
      _ = inner?.requiredText("x")
      inner?.close()
      _ = fields.optional("b")?.items(of: "stations")
      _ = fields.optional("d")?.entries(of: "devices by name")
      fields.close()
    }
    #expect(
      found == [
        "edge.yaml:1: a: found \"1\"; allowed: a mapping of x",
        "edge.yaml:2: b: found a mapping; allowed: a list: stations",
        "edge.yaml:3: d: found a list; allowed: devices by name",
      ])
  }

  @Test func `entries and items know their way and line`() throws {
    let file = try SettingsFile(
      name: "edge.yaml", text: "stations:\n  ST10:\n    needs: [a, b]\n  \"ST 20\":\n    needs: []\n")
    var fields = file.root.fields(of: "settings")
    let stationsNode = fields.optional("stations")
    let stations = try #require(stationsNode).entries(of: "stations by name")
    #expect(stations.map(\.name) == ["ST10", "ST 20"])
    var station = stations[0].node.fields(of: "a station")
    let needsNode = station.optional("needs")
    let needs = try #require(needsNode).items(of: "fields")
    #expect(needs.map(\.path) == ["stations.ST10.needs[0]", "stations.ST10.needs[1]"])
    #expect(needs.map(\.line) == [3, 3])
    #expect(needs.map(\.text) == ["a", "b"])
  }

  @Test func `a number's text is kept as it stands in the file`() throws {
    let file = try SettingsFile(name: "map.yaml", text: "a: 40020.10\nb: 0x1F\nc: \"12\"\nd: ~\ne:\n")
    var fields = file.root.fields(of: "a map")
    let aValue = fields.optional("a")
    #expect(aValue?.text == "40020.10")
    let bValue = fields.optional("b")
    #expect(bValue?.integer(in: 0...100) == 31)
    let cValue = fields.optional("c")
    #expect(cValue?.isPlain == false)
    let dValue = fields.optional("d")
    #expect(dValue?.isEmpty == true)
    let eValue = fields.optional("e")
    #expect(eValue?.isEmpty == true)
  }

  @Test func `problems come in the order of lines, whatever order they were found in`() throws {
    let found = try problems("a: x\nb: y\nc: z\n") { root in
      var fields = root.fields(of: "settings")
      for name in ["c", "a", "b"] { _ = fields.flag(name) }
      fields.close()
    }
    #expect(found.map { $0.prefix(14) } == ["edge.yaml:1: a", "edge.yaml:2: b", "edge.yaml:3: c"])
  }
}
