import Devices
import Events
import Settings
import TestParts
import Testing

/// Lists of tags as PLC programmers write them, taken as maps.
@Suite struct MapImportTests {
  private func read(_ csv: String, onto yaml: String? = nil, ignoring: [String] = []) throws -> MapImport {
    var problems: [SpreadsheetTable.Problem] = []
    let table = try SpreadsheetTable(csv, problems: &problems)
    let present = try yaml.map { SettingsTree(try SettingsFile(name: "m", text: $0).root) }
    return MapImport(table, onto: present, ignoring: ignoring, formProblems: problems)
  }

  private static let press = """
    # The press in hall 2.
    kind: modbus
    addresses: modicon
    requests: { timeout: 2s }
    groups:
      process:
        every: 500ms   # as fast as it can
        tags:
          # From the manual, page 12.
          force: { at: 40001, type: float32, unit: kN, deadband: 0.2 }  # after the amplifier
          temp: { at: 30011, type: int16, scale: 0.1 }

          door:
            at: 40020.3
            type: bool
    """

  @Test func `a programmer's list from Excel is a map`() throws {
    let right = try read(
      "Tag Name;Data Type;Address;Bit;Eng. Units;Factor;Min;Max;States;Remark\r\n"
        + "ram-force;REAL;40001;;kN;;80;120,5;;main cylinder\r\n"
        + "oil-temp;INT;30011;;Cel;0,1;;;;\r\n"
        + "door-open;BOOL;40020;3;;;;;;\r\n"
        + "state;WORD;40021;;;;;;1=running, 2=stopped;\r\n")
    #expect(right.problems.isEmpty, "\(right.problems)")
    #expect(
      right.text.text == """
        kind: modbus
        addresses: modicon
        groups:
          process:
            tags:
              ram-force: { type: float32, at: 40001, unit: kN, limits: [80, 120.5] }
              oil-temp: { type: int16, at: 30011, unit: Cel, scale: 0.1 }
              door-open: { type: bool, at: 40020.3 }
              state: { type: uint16, at: 40021, values: { 1: running, 2: stopped } }

        """)
    #expect(right.columns.columns.compactMap { $0.key == nil ? $0.header : nil } == ["Remark"])
    #expect(right.notes.contains("numbers with a decimal comma: 2, such as 0,1 for 0.1"))
    #expect(right.notes.contains("type REAL is read as float32, in 1 row"))
  }

  @Test func `names, strings and types of a program are written as maps have them, and that is told`() throws {
    let right = try read(
      """
      Symbol,Address,Data Type
      Ram Force,40001,REAL
      OIL_TEMP,40003,Int
      "Zone 1 (left)",40004,WORD
      Batch No.,40010,STRING[10]
      speed,40020,DINT
      """)
    #expect(right.problems.isEmpty, "\(right.problems)")
    #expect(
      right.text.text.hasSuffix(
        """
              ram-force: { at: 40001, type: float32 }
              oil-temp: { at: 40003, type: int16 }
              zone-1-left: { at: 40004, type: uint16 }
              batch-no: { at: 40010, type: string, length: 10 }
              speed: { at: 40020, type: int32 }

        """), "\(right.text.text)")
    #expect(
      right.notes.contains(
        "names as maps have them: 4, such as ram-force for Ram Force"), "\(right.notes)")
    #expect(right.notes.contains("type STRING[10] is read as a string of length 10, in 1 row"), "\(right.notes)")
    let again = try read("Symbol,Address,Data Type\nBatch No.,40010,STRING[12]\n", onto: right.text.text)
    #expect(again.problems.isEmpty && again.text.text.contains("length: 12 }"), "\(again.problems)")
    let twice = try read("name,address,type\nOil Temp,40001,int16\nOil_Temp,40002,int16\n")
    #expect(
      twice.problems.first?.hasPrefix("row 3, column A \"name\": found tag oil-temp of group process again") == true)
  }

  @Test func `every mistake is told at once, with its row, its column and what would be right`() throws {
    let found = try read(
      """
      name,address,data type,scale,colour
      Ram Force,40001,float32,,red
      temp,49999999,int16,,
      level,40005,flaot32,,
      flow,40007,int16,abc,
      level,40009,int16,,
      x,40011,,,"[1"
      """)
    let all = [
      "row 1, column E \"colour\": found a column that a map has no place for",
      "row 3, column B \"address\" (tag temp of group process): found \"49999999\";",
      "row 4, column C \"data type\" (tag level of group process): found \"flaot32\";",
      "row 5, column D \"scale\" (tag flow of group process): found \"abc\";",
      "row 6, column A \"name\": found tag level of group process again, which row 4 has already",
      "row 7, column C \"data type\" (tag x of group process): found no \"type\";",
      "row 7, column E \"colour\": found \"[1\", which begins as a list",
    ]
    #expect(found.problems.count == all.count, "\(found.problems)")
    for (problem, text) in zip(found.problems, all) { #expect(problem.hasPrefix(text), "\(problem)") }
    let more = try read(
      """
      name,address,data type,scale,colour
      Stößel,40001,float32,,red
      temp,49999999,int16,,blue
      level,40005,flaot32,,
      flow,40007,int16,abc,
      x,40011,,,
      """)
    let expected = [
      "row 2, column A \"name\" (tag Stößel of group process): found the name \"Stößel\"; allowed: 1 to 64 of a-z, 0-9 and -, beginning "
        + "with a letter or a digit",
      "row 1, column E \"colour\": found a column that a map has no place for",
      "row 3, column B \"address\" (tag temp of group process): found \"49999999\";",
      "row 4, column C \"data type\" (tag level of group process): found \"flaot32\";",
      "row 5, column D \"scale\" (tag flow of group process): found \"abc\";",
      "row 6, column C \"data type\" (tag x of group process): found no \"type\";",
    ]
    for text in expected { #expect(more.problems.contains { $0.hasPrefix(text) }, "\(text)\n\(more.problems)") }
    #expect(more.problems.count == expected.count, "\(more.problems)")
    #expect(
      more.problems[3].hasSuffix("; did you mean \"float32\"?")
        || more.problems.contains { $0.hasSuffix("\"float32\"?") })
    let without = try read("name,address,data type,colour\nforce,40001,float32,red\n", ignoring: ["Colour"])
    #expect(without.problems.isEmpty)
  }

  @Test func `a list without names or addresses says which columns would do`() throws {
    let found = try read("Werkzeug,Adresse\nforce,40001\n")
    let expected = [
      "row 1: no column means tag; allowed: one called tag, name,",
      "row 1: no column means at; allowed: one called at,",
      "row 1: no column means type, which row 2 needs; allowed: one called type, datatype,",
      "row 1, column A \"Werkzeug\": found a column that", "row 1, column B \"Adresse\": found a column that",
    ]
    #expect(found.problems.count == expected.count, "\(found.problems)")
    for (problem, text) in zip(found.problems, expected) { #expect(problem.hasPrefix(text), "\(problem)") }
    let twice = try read("name,tag,at,type\na,b,40001,int16\n")
    #expect(
      twice.problems.first?.hasPrefix("row 1, column B \"tag\": it means tag, as does column A \"name\";") == true)
  }

  @Test func `a wrong name hides nothing else of its row`() throws {
    let found = try read(
      """
      group,name,at,type,min,max
      process,level,40001,int16,,
      process,level,40002,flaot32,,
      process,level,40001,int16,,
      process,,4000x,int16,1,
      process,"[x",40005,int17,,
      process,high,40009,int16,9,x
      process,same,40001,int16,,
      process,row-3,40010,int16,20,10
      Stößel,a,40001,int16,,
      """)
    let expected = [
      "row 3, column B \"name\": found tag level of group process again, which row 2 has already; allowed: each once",
      "row 3, column D \"type\" (tag level of group process): found \"flaot32\";",
      "row 4, column B \"name\": found tag level of group process again, which row 2 has already",
      "row 5, column B \"name\": found no name of a tag;", "row 5, column C \"at\": found \"4000x\"",
      "row 5, column E \"min\": found a lower limit alone; allowed: both, or none",
      "row 6, column B \"name\": found \"[x\", which begins as a list",
      "row 6, column D \"type\": found \"int17\";",
      "row 7, column F \"max\" (tag high of group process): found \"x\"",
      "row 8, column C \"at\" (tag same of group process): found the same value as \"level\"",
      "row 9, column E \"min\" (tag row-3 of group process): found [20, 10]",
      "row 10, column A \"group\" (tag a of group Stößel): found the name \"Stößel\"",
    ]
    #expect(found.problems.count == expected.count, "\(found.problems.joined(separator: "\n"))")
    for (problem, text) in zip(found.problems, expected) { #expect(problem.hasPrefix(text), "\(problem)") }
  }

  @Test func `what does not go with the map that is there is told by row and column as well`() throws {
    let cycle = """
      kind: modbus
      groups:
        cycle:
          every: 200ms
          trigger: { tag: count, at: 40100, type: uint16 }
          tags: { serial: { at: 40101, type: uint16 } }
      """
    let found = try read("name,at,type\ncount,40102,uint16\nlate,40900,int16\nserial,40103,int17\n", onto: cycle)
    let expected = [
      "row 2, column A \"name\" (tag count of group cycle): found a tag called like the trigger",
      "row 2 (tag count of group cycle): found 799 registers from the first to the last holding tag",
      "row 4, column C \"type\" (tag serial of group cycle): found \"int17\"",
    ]
    #expect(found.problems.count == expected.count, "\(found.problems.joined(separator: "\n"))")
    for text in expected { #expect(found.problems.contains { $0.hasPrefix(text) }, "\(text)") }
    let wrong = try read("name,at,type\nserial,40101,int17\n", onto: cycle.replacing("200ms", with: "soon"))
    #expect(wrong.problems.count == 2, "\(wrong.problems)")
    #expect(wrong.problems.last?.hasPrefix("the map's groups.cycle.every: found \"soon\"") == true)
  }

  @Test func `a message stays one line whatever a cell holds, and a long list of them ends with their number`() throws {
    let note = try read("name,at,type\n\"Ram\nForce\",40001,int16\n")
    #expect(note.notes.contains("names as maps have them: 1, such as ram-force for Ram\\nForce"), "\(note.notes)")
    let wrong = try read(
      "name,at,type,\"co\r\nlour\"\n\"St\nößel\",\"40\n001\",\"[1\n\",\"x\u{2028}\"\n\"St\nößel\",40002,int16,,\"a\nb\"\n"
    )
    #expect(wrong.problems.count == 6, "\(wrong.problems)")
    #expect((wrong.problems + wrong.notes).allSatisfy { !$0.contains(where: \.isNewline) }, "\(wrong.problems)")
    let rows = (1...60).map { "tag-\($0),\(40000 + $0),int17\n" }.joined()
    let long = try read("name,at,type\n" + rows)
    #expect(long.problems.count == 60)
    #expect(long.problems.first?.hasPrefix("row 2, ") == true && long.problems.last?.hasPrefix("row 61, ") == true)
    #expect(long.problems(atMost: 50) == long.problems.prefix(50) + ["10 more problems behind these"])
    #expect(long.problems(atMost: 59).last == "1 more problem behind these")
    #expect(long.problems(atMost: 60) == long.problems)
  }

  @Test func `onto a map it changes tags, and leaves what it has no column for`() throws {
    let found = try read("name,at,type,unit\nforce,40003,float32,kN\nspeed,40005,uint16,\n", onto: Self.press)
    #expect(found.problems.isEmpty, "\(found.problems)")
    let old = try MapTable(SettingsTree(SettingsFile(name: "m", text: Self.press).root))
    let difference = MapDifference(from: old, to: try MapTable(found.map))
    #expect(
      difference.changes.map { "\($0.kind.rawValue) \($0.what.tag)" } == [
        "changed force", "added speed", "removed temp", "removed door",
      ])
    #expect(difference.changes[0].fields == [.init(name: "at", from: "40001", to: "40003")])
    #expect(found.map["requests"]?["timeout"]?.text == "2s", "what is not of tags stays")
    #expect(found.map["groups"]?["process"]?["every"]?.text == "500ms")
  }

  @Test func `a group that the list does not name stays, with its trigger and its tags`() throws {
    let both =
      Self.press + """

          cycle:
            trigger: { tag: count, at: 40100, type: uint16 }
            tags: { serial: { at: 40101, type: uint16 } }
        """
    let found = try read("group,name,at,type\nprocess,force,40003,float32\n", onto: both)
    #expect(found.problems.isEmpty, "\(found.problems)")
    let cycle = SettingsTree(try SettingsFile(name: "m", text: both).root)["groups"]?["cycle"]
    #expect(try #require(cycle).says(#require(found.map["groups"]?["cycle"])))
    #expect(found.map["groups"]?["process"]?["tags"]?.entries?.map(\.name) == ["force"])
  }

  @Test func `comments and form of the file stay where only tags change`() throws {
    let file = try SettingsFile(name: "m", text: Self.press)
    let found = try read("name,at,type\nforce,40003,float32\nspeed,40005,uint16\ndoor,40020.4,bool\n", onto: Self.press)
    let (text, lost) = found.text(inPlaceOf: file)
    #expect(lost == 0)
    #expect(
      text == """
        # The press in hall 2.
        kind: modbus
        addresses: modicon
        requests: { timeout: 2s }
        groups:
          process:
            every: 500ms   # as fast as it can
            tags:
              # From the manual, page 12.
              force: { at: 40003, type: float32, unit: kN, deadband: 0.2 }  # after the amplifier
              speed: { at: 40005, type: uint16 }

              door: { at: 40020.4, type: bool }
        """)
    // A file with all tags in one line cannot be patched: its comments go, and their number is told.
    let dense = try SettingsFile(
      name: "m", text: "kind: modbus # a\n# b\ngroups: { g: { tags: { x: { at: 40001, type: int16 } } } }\n")
    let other = try read("group,name,at,type\ng,x,40002,int16\n", onto: dense.text)
    let anew = other.text(inPlaceOf: dense)
    #expect(anew.lostComments == 2)
    #expect(SettingsTree(try SettingsFile(name: "m", text: anew.text).root).says(other.map))
  }
}
