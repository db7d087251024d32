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
        == "\(path):1: found the byte FF behind \"a: \", which is not UTF-8; allowed: YAML in UTF-8: save the file with that "
        + "encoding")
    try Data("a: 1\nb: Schl".utf8 + [0xE4] + "ge\n".utf8).write(to: URL(filePath: path))
    #expect(
      failure { _ = try SettingsFile(path: path) }
        == "\(path):2: found the byte E4 behind \"b: Schl\", which is not UTF-8; allowed: YAML in UTF-8: save the file "
        + "with that encoding")
    try Data([0xFF, 0xFE, 0x61, 0, 0x3A, 0]).write(to: URL(filePath: path))
    #expect(
      failure { _ = try SettingsFile(path: path) }
        == "\(path): found text in UTF-16; allowed: YAML in UTF-8: save it with that encoding")
  }

  @Test func `a byte order mark and the line ends of any system change nothing`() throws {
    let folder = try ScratchFolder()
    for text in ["\u{FEFF}a: 1\nb: 2\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r"] {
      let file = try SettingsFile(path: try folder.write("edge.yaml", text))
      var fields = file.root.fields(of: "settings")
      #expect(fields.text("a") == "1")
      #expect(fields.text("b") == "2")
      fields.close()
      try file.check()
    }
  }

  /// Slips of tired people, and the line that each is answered with.
  static let slips: [(text: String, said: String)] = [
    ("a: 1\n\tb: 2\n", "2: found a tab at column 1; allowed: spaces: YAML takes no tabs at the beginning of a line"),
    (
      "a:\n  b: 1\n c: 2\n",
      "3: found 1 space before \"c: 2\", where line 2 has 2; allowed: the same indentation for all keys of one mapping, "
        + "and more only below a key without a value"
    ),
    (
      "a: 1\n  b: 2\n",
      "2: found 2 spaces before \"b: 2\", where line 1 has 0; allowed: the same indentation for all keys of one mapping, "
        + "and more only below a key without a value"
    ),
    (
      "a:\n  title Press\n  b: 1\n",
      "2: found \"title Press\", which has no colon; allowed: a colon and a space behind each key: KEY: VALUE"
    ),
    ("a\nb: 1\n", "1: found \"a\", which has no colon; allowed: a colon and a space behind each key: KEY: VALUE"),
    ("a:1 # one\nb: 1\n", "1: found \"a:1\", whose colon has no space behind it; allowed: KEY: VALUE"),
    (
      "a：1\nb: 1\n",
      "1: found \"a：1\", whose colon is a wide one; allowed: a colon of ASCII and a space: KEY: VALUE"
    ),
    ("a:\u{A0}1\nb: 1\n", "1: found a no-break space in \"a:\u{A0}1\"; allowed: plain spaces"),
    ("a:\n\u{3000}b: 1\n  c: 1\n", "2: found a wide space in \"\u{3000}b: 1\"; allowed: plain spaces"),
    (
      "a: b: c\n",
      "1: found a second \": \" in one line, at column 5; allowed: quotes around a value that has a colon and a space"
    ),
    (
      "# x\na: [1, 2\nb: 3\n",
      "2: found \"[\" at column 4, which is not closed; allowed: \"]\" behind its last value, and a comma between two"
    ),
    (
      "a: { b: 1\nc: 2\n",
      "1: found \"{\" at column 4, which is not closed; allowed: \"}\" behind its last value, and a comma between two"
    ),
    ("a: { b: 1 }}\n", "1: found \"}\" at column 12, which closes nothing; allowed: leave it out"),
    (
      "a: { b: \"c\" d: 1 }\n",
      "1: found no comma before column 13; allowed: commas between the values in brackets, and quotes around a value that "
        + "has { } [ ] or a comma"
    ),
    (
      "a: { b: [0-9]{4}$ }\n",
      "1: found \"{\" at column 14, within a value; allowed: quotes around a value that has { } [ ] or a comma"
    ),
    (
      "a: \"open\nb: 1\n", "1: found a quote that is not closed; allowed: the same quote at the end of the text"
    ),
    (
      "a: { b: \"open }\nc: \"d\"\n",
      "1: found a quote that is not closed; allowed: the same quote at the end of the text"
    ),
    (
      "a: \"\\d\"\n",
      "1: found \"\\d\" in double quotes; allowed: single quotes around such a text, or two backslashes for one"
    ),
    ("a: %MW1\n", "1: found a value that begins with \"%\"; allowed: quotes around such a value"),
    ("a: { b: @1 }\n", "1: found a value that begins with \"@\"; allowed: quotes around such a value"),
    ("a: *nowhere\n", "1: found a value that begins with \"*\"; allowed: quotes around such a value"),
    ("a: - b\n", "1: found \"- \" behind a key; allowed: the items of a list in lines of their own"),
    ("a:\n  : b\n", "2: found a colon without a key; allowed: KEY: VALUE"),
    ("a: 1\n---\nb: 1\n", "2: found a second document; allowed: one: leave out the lines --- and ..."),
    ("a: 1\n...\nb: 1\n", "3: found text behind the line ...; allowed: no such line: it ends the document"),
    (
      "a: 1\nb: x\u{7}\n",
      "2: found a control character (7h) at column 5; allowed: text in UTF-8, without control characters"
    ),
    (
      "@a: 1\n",
      "1: found no valid YAML (found character that cannot start any token at column 1); allowed: YAML: check the "
        + "indentation, quotes and brackets of this line and the one above"
    ),
    ("a: 1\nb: 2\na: 3\n", "3: a: found the same key twice, as in line 1; allowed: each key once"),
    (
      "b:\n  unit: 1\n  lot:\n    unit: 4\n  unit: 3\n",
      "5: unit: found the same key twice, as in line 2; allowed: each key once"
    ),
    ("a: { b: 1, b: 2 }\n", "1: b: found the same key twice; allowed: each key once"),
  ]

  @Test(arguments: slips)
  func `what is no YAML is answered with its line and what to write`(text: String, said: String) throws {
    let error = #expect(throws: SettingsError.self) { try SettingsFile(name: "edge.yaml", text: text) }
    #expect(error.map { "\($0)" } == "edge.yaml:\(said)")
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
