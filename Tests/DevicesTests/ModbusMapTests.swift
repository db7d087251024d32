import Events
import Settings
import TestParts
import Testing

@testable import Devices

/// A broken map and the one line that mends it.
struct BrokenMap: Sendable, CustomTestStringConvertible {
  let yaml: String
  let message: String
  var testDescription: String { message }

  /// A map with one tag in one group.
  static func tag(_ fields: String, _ messages: String..., name: String = "force", group: String = "") -> BrokenMap {
    BrokenMap(
      yaml: """
        kind: modbus
        groups:
          process:
            tags:
              \(name): { \(fields) }
        \(group)
        """, message: messages.map { "5: groups.process.tags.\(name)" + $0 }.joined(separator: "\n"))
  }

  /// A cycle whose lines are `fields`, from line 4 on.
  static func cycle(_ fields: [String], _ message: String) -> BrokenMap {
    BrokenMap(
      yaml: "kind: modbus\ngroups:\n  cycle:\n" + fields.map { "    " + $0 + "\n" }.joined(), message: message)
  }

  private static let types =
    "bool, bits, int16, uint16, int32, uint32, int64, uint64, float32, float64, bcd16, bcd32, string"
  private static let orders =
    "ABCD, CDAB, BADC, DCBA, ABCDEFGH, BADCFEHG, GHEFCDAB, HGFEDCBA, CDABGHEF, DCBAHGFE, EFGHABCD, FEHGBADC"
  private static let modicon =
    "40001, 400001, 4x1 or HR1 (counted from 1; 0 or CO: coil, 1 or DI: discrete input, 3 or IR: input register, "
    + "4 or HR: holding register), holding:0 (counted from 0), and .3 or .4..7 behind it for bits of a register"
  private static let trigger = "trigger: { tag: count, at: 40100, type: uint16 }"
  private static let tags = "tags: { force: { at: 40102, type: uint16 } }"
  private static let numbersOnly = "leave it out: it is for numbers only, not for a bool, a string or named values"

  private static let guarded = "; or name the tag that guards a larger block: guard: TAG beside the trigger"
  private static let range = "allowed: a range of one table, the lower address first, such as 40001..40120"

  /// A map with `readable` and a float32 at 40001.
  private static func readable(_ list: String, _ messages: String...) -> BrokenMap {
    BrokenMap(
      yaml: """
        kind: modbus
        readable: \(list)
        groups:
          a:
            tags:
              b: { at: 40001, type: float32 }
        """, message: messages.joined(separator: "\n"))
  }

  static let all: [BrokenMap] = [
    BrokenMap(yaml: "kind: modbus\n", message: "1: found no \"groups\"; allowed: groups: the groups of tags, by name"),
    BrokenMap(yaml: "kind: modbus\ngroups:\n", message: "2: groups: found no group; allowed: at least one group"),
    BrokenMap(
      yaml: "kind: modbus\nadresses: modicon\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message:
        "2: adresses: found unknown key \"adresses\"; allowed: about, addresses, groups, kind, readable, requests, "
        + "word-order; did you mean \"addresses\"?"),
    BrokenMap(
      yaml: "kind: modbus\naddresses: modcon\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message: "2: addresses: found \"modcon\"; allowed: modicon, zero-based; did you mean \"modicon\"?"),
    BrokenMap(
      yaml: "kind: modbus\nword-order: ABDC\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message: "2: word-order: found \"ABDC\"; allowed: \(orders); did you mean \"ABCD\"?"),
    BrokenMap(
      yaml: "kind: modbus\nword-order: AB\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message: "2: word-order: found \"AB\"; allowed: \(orders)"),
    BrokenMap(
      yaml:
        "kind: modbus\nrequests: { max-registers: 126 }\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message: "2: requests.max-registers: found \"126\"; allowed: a whole number from 1 to 125"),
    BrokenMap(
      yaml: "kind: modbus\nrequests: { timeout: 1 }\ngroups: { a: { tags: { b: { at: 40001, type: int16 } } } }\n",
      message: "2: requests.timeout: found \"1\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least 10ms"),
    tag("type: int16", ": found no \"at\"; allowed: at: " + modicon),
    tag("at: 40001", ": found no \"type\"; allowed: type: " + types),
    tag("at: 40001, type: int61", ".type: found \"int61\"; allowed: \(types); did you mean \"int16\"?"),
    tag(
      "at: 40001, type: string(10)",
      ".type: found \"string(10)\"; allowed: type: string with its length beside it, such as { type: string, length: 10 }"
    ),
    tag(
      "at: 40001, type: bits 4..7",
      ".type: found \"bits 4..7\"; allowed: type: bits with the bits in its address, such as "
        + "{ at: 40020.4..7, type: bits }"),
    tag(
      "at: 40001, type: string", ": found no \"length\"; allowed: length: its characters of one byte, two a register"),
    tag("at: 40001, type: string, length: 0", ".length: found \"0\"; allowed: a whole number from 1 to 250"),
    tag("at: 40001, type: string, length: 251", ".length: found \"251\"; allowed: a whole number from 1 to 250"),
    tag(
      "at: 40001, type: string, length: 4, encoding: gb2312",
      ".encoding: found \"gb2312\"; allowed: ascii, utf-8, gbk"),
    tag("at: 40001, type: word", ".type: found \"word\"; allowed: \(types); did you mean \"uint16\"?"),
    tag("at: 40001, type: DINT", ".type: found \"DINT\"; allowed: \(types); did you mean \"int32\"?"),
    tag("at: 40001, type: long", ".type: found \"long\"; allowed: \(types); did you mean \"int32\"?"),
    tag("at: 40001, type: LReal", ".type: found \"LReal\"; allowed: \(types); did you mean \"float64\"?"),
    tag("at: 40001, type: Float_32", ".type: found \"Float_32\"; allowed: \(types); did you mean \"float32\"?"),
    tag(
      "at: 40001, type: usint",
      ".type: found \"usint\"; allowed: uint16 for a register of its own, or half of one: "
        + "{ at: 40001.0..7, type: bits } is its lower byte"),
    tag(
      "at: 40001, type: int16, values: { fail: 1 }",
      ".values.fail: found \"fail\" as a number; allowed: whole numbers from -32768 to 32767, the number before its name"
    ),
    tag(
      "at: D100, type: int16",
      ".at: found \"D100\", the PLC's own name, whose Modbus address its family's map or its programmer knows; allowed: "
        + modicon),
    tag(
      "at: 40001, type: int16, length: 4",
      ".length: found \"length\" of type int16; allowed: leave it out: it is for strings only"),
    tag(
      "at: 40001, type: bool, encoding: gbk",
      ".encoding: found \"encoding\" of type bool; allowed: leave it out: it is for strings only",
      ".at: found \"40001\"; allowed: for a bool one bit: 40001.0 to 40001.15, a coil or a discrete input"),
    tag("at: 40001, type: string, length: 4, word-order: CDAB", ".word-order: found \"CDAB\"; allowed: AB, BA"),
    tag("at: 40001, type: string, length: 4, scale: 2", ".scale: found \"scale\"; allowed: " + numbersOnly),
    tag("at: 40001, type: string, length: 4, limits: [1, 2]", ".limits: found \"limits\"; allowed: " + numbersOnly),
    tag("at: 40001, type: string, length: 4, deadband: 1", ".deadband: found \"deadband\"; allowed: " + numbersOnly),
    tag(
      "at: 40001, type: string, length: 4, values: { 1: a }",
      ".values: found \"values\" of type string; allowed: leave it out: only whole numbers and bits have named values"),
    tag(
      "at: 40001, type: float64, values: { 1: a }",
      ".values: found \"values\" of type float64; allowed: leave it out: only whole numbers and bits have named values"),
    tag(
      "at: 465536, type: string, length: 3",
      ".at: found \"465536\"; allowed: a place with room for 2 registers: a table ends with its 65536th"),
    tag(
      "at: 40001, type: bits", ".at: found \"40001\"; allowed: the bits of the register: 40001.0..3 for the lowest four"
    ),
    tag("at: 00001, type: bits", ".at: found \"00001\"; allowed: some bits of a register; type: bool for a coil"),
    tag(
      "at: 40001.4..7, type: int16", ".at: found \"40001.4..7\"; allowed: whole registers for int16, not single bits"),
    tag("at: 40001.4..7, type: bool", ".at: found \"40001.4..7\"; allowed: for a bool one bit; for several type: bits"),
    tag(
      "at: 40001.7..4, type: bits",
      ".at: found \"40001.7..4\", whose bits do not begin with the lower one; allowed: " + modicon),
    tag(
      "at: 40001.4..5, type: bits, word-order: BA",
      ".word-order: found \"word-order\" of type bits; allowed: leave it out: bit 0 is the least significant of the register"
    ),
    tag(
      "at: 40001.4..5, type: bits, values: { 4: on }",
      ".values.4: found \"4\" as a number; allowed: whole numbers from 0 to 3"),
    tag(
      "at: 40001, type: bcd16, values: { 10000: on }",
      ".values.10000: found \"10000\" as a number; allowed: whole numbers from 0 to 9999"),
    tag(
      "at: 40001, type: int64, word-order: ABCD",
      ".word-order: found \"ABCD\"; allowed: ABCDEFGH, BADCFEHG, GHEFCDAB, HGFEDCBA, CDABGHEF, DCBAHGFE, EFGHABCD, FEHGBADC"
    ),
    tag(
      "at: holdin:1, type: int16",
      ".at: found \"holdin:1\", whose table is none; allowed: " + modicon + "; did you mean \"holding:1\"?"),
    tag(
      "at: HR0, type: int16",
      ".at: found \"HR0\", which counted from 1 is none, and counted from 0 is 40001 or holding:0; allowed: " + modicon),
    tag(
      "at: 65536, type: int16", ".at: found \"65536\", which may be 465536 (counted from 1); allowed: " + modicon),
    tag(
      "at: 100, type: int16",
      ".at: found \"100\", which may be 40100 (counted from 1) or holding:100 (counted from 0); allowed: " + modicon),
    tag(
      "at: 0x1F, type: int16",
      ".at: found \"0x1F\", which may be 40031 (counted from 1) or holding:31 (counted from 0); allowed: " + modicon),
    tag(
      "at: 4001, type: int16",
      ".at: found \"4001\", which may be 40001, 44001 (counted from 1) or holding:4001 (counted from 0); allowed: "
        + modicon),
    tag(
      "at: 40000, type: int16",
      ".at: found \"40000\", which counted from 1 is none, and counted from 0 is 40001 or holding:0; allowed: "
        + modicon),
    tag("at: 40001.16, type: bool", ".at: found \"40001.16\", whose bits are not 0 to 15; allowed: " + modicon),
    tag(
      "at: 40001, type: bool",
      ".at: found \"40001\"; allowed: for a bool one bit: 40001.0 to 40001.15, a coil or a discrete input"),
    tag("at: 40001.3, type: int16", ".at: found \"40001.3\"; allowed: whole registers for int16, not single bits"),
    tag("at: 00001, type: int16", ".at: found \"00001\", a coil; allowed: whole registers for int16, not single bits"),
    tag(
      "at: 465536, type: float32",
      ".at: found \"465536\"; allowed: a place with room for 2 registers: a table ends with its 65536th"),
    tag(
      "at: 40001, type: int16, scale: x",
      ".scale: found \"x\"; allowed: a decimal number of at most 15 digits, such as 0.1"),
    tag("at: 40001, type: int16, scale: 0", ".scale: found \"0\"; allowed: a number other than 0"),
    tag("at: 40001.0, type: bool, scale: 2", ".scale: found \"scale\"; allowed: " + numbersOnly),
    tag("at: 40001, type: int16, values: { 1: on }, offset: 2", ".offset: found \"offset\"; allowed: " + numbersOnly),
    tag("at: 40001, type: int16, deadband: -1", ".deadband: found \"-1\"; allowed: a number from 0 up"),
    tag(
      "at: 40001, type: int16, limits: [120, 80]",
      ".limits: found [120, 80]; allowed: two numbers, the lower first, such as [80, 120]"),
    tag(
      "at: 40001, type: uint16, values: { 65536: on }",
      ".values.65536: found \"65536\" as a number; allowed: whole numbers from 0 to 65535"),
    tag(
      "at: 40001, type: uint16, values: { 1: on, 2: on }",
      ".values.2: found \"on\" for 2 and for 1; allowed: each name once"),
    tag(
      "at: 40001, type: int16, word-order: CDAB",
      ".word-order: found \"CDAB\"; allowed: AB, BA"),
    tag(
      "at: 40001, type: uint16, role: lot",
      ".role: found \"role\" in a group without a trigger; allowed: leave it out: only a cycle's tags have roles; "
        + "others are not supported yet"),
    tag(
      "at: 40001, type: int16, deadbnd: 1",
      ".deadbnd: found unknown key \"deadbnd\"; allowed: as, at, deadband, encoding, length, limits, offset, role, scale, type, unit, values, word-order; did you mean \"deadband\"?"
    ),
    tag(
      "at: 40001, type: int16",
      ": found the name \"Ram_Force\"; allowed: 1 to 64 of a-z, 0-9 and -, beginning with a letter or a digit; "
        + "did you mean \"ram-force\"?", name: "Ram_Force"),
    cycle(
      ["tags:", "  a: { at: 40001, type: int16 }", "  b: { at: 40001, type: int16 }"],
      "6: groups.cycle.tags.b: found the same value as \"a\": int16 at 40001; allowed: each value once in a group"),
    cycle([tags, "report: sometimes"], "5: groups.cycle.report: found \"sometimes\"; allowed: change, always"),
    cycle(
      [tags, "report: always", "heartbeat: 60s"],
      "6: groups.cycle.heartbeat: found \"heartbeat\" with report: always; allowed: leave it out: each poll is an event with all tags"
    ),
    cycle(
      [tags, "acknowledge: { at: 40110 }"],
      "5: groups.cycle.acknowledge: found \"acknowledge\" without \"trigger\"; allowed: a trigger beside it: "
        + "nothing else is ever acknowledged"),
    cycle(
      [tags, "trigger: { tag: count, at: 40100, type: int16 }"],
      "5: groups.cycle.trigger.type: found \"int16\"; allowed: a counter (uint16, uint32) or a bit (bool)"),
    cycle(
      [tags, trigger, "acknowledge: { at: 30110 }"],
      "6: groups.cycle.acknowledge.at: found \"30110\"; allowed: a holding register: this cannot be written"),
    cycle(
      [tags, trigger, "acknowledge: { at: 40100 }"],
      "6: groups.cycle.acknowledge.at: found 40100, which is the trigger itself (line 5); allowed: another register than the trigger"
    ),
    cycle(
      [tags, "trigger: { tag: count, at: 40100.3, type: bool }", "acknowledge: { at: 40100 }"],
      "6: groups.cycle.acknowledge.at: found 40100, in the same register as the trigger, 40100.3 (line 5); allowed: another register than the trigger"
    ),
    cycle(
      [tags, "trigger: { tag: count, at: 40100.3, type: bool }", "acknowledge: { at: 40100.4 }"],
      "6: groups.cycle.acknowledge.at: found 40100.4, in the same register as the trigger, 40100.3 (line 5); allowed: another register than the trigger"
    ),
    cycle(
      [tags, trigger, "acknowledge: { at: 40110, within: 5ms }"],
      "6: groups.cycle.acknowledge.within: found \"5ms\"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least 100ms"
    ),
    cycle(
      [tags, trigger, "report: always"],
      "6: groups.cycle.report: found \"report\" in a group with a trigger; allowed: leave it out: each cycle is an event with all tags"
    ),
    cycle(
      [trigger, "tags:", "  near: { at: 40001, type: int16 }", "  far: { at: 40126, type: int16 }"],
      "6: groups.cycle.tags: found 126 registers from the first to the last holding tag; allowed: at most 125, so that "
        + "one request reads the whole block of a cycle" + guarded),
    cycle(
      [tags, trigger, "acknowledge: { at: 4110 }"],
      "6: groups.cycle.acknowledge.at: found \"4110\", which may be 40110, 44110 (counted from 1) or holding:4110 "
        + "(counted from 0); allowed: a holding register: " + modicon),
    cycle(
      [tags, trigger, "acknowledge: { at: 40110.4..5 }"],
      "6: groups.cycle.acknowledge.at: found \"40110.4..5\"; allowed: a holding register: writing one bit of a register is "
        + "not supported yet"),
    cycle(
      [trigger, "guard: nea", "tags:", "  near: { at: 40001, type: int16 }", "  far: { at: 40126, type: float32 }"],
      "5: groups.cycle.guard: found \"nea\"; allowed: a whole number of the block that the PLC changes with each cycle: "
        + "count, near; did you mean \"near\"?"),
    cycle(
      [tags, "guard: force"],
      "5: groups.cycle.guard: found \"guard\" without \"trigger\"; allowed: a trigger beside it: only a cycle's block is guarded"
    ),
    cycle(
      [tags, "write: { at: 40001 }"],
      "5: groups.cycle.write: found \"write\"; allowed: leave it out: write is not supported yet"),
    tag(
      "at: 40001, type: int16, write: true",
      ".write: found \"write\"; allowed: leave it out: write is not supported yet"),
    readable(
      "40001", "2: readable: found \"40001\"; allowed: a list: ranges that may be read, such as [\"40001..40120\"]"),
    readable("[]", "2: readable: found no range; allowed: ranges that may be read, such as [\"40001..40120\"]"),
    readable(
      "[\"40010..40001\", \"30001..40001\", \"40001..40010\", \"40001..40002.3\"]",
      "2: readable[0]: found \"40010..40001\"; " + range, "2: readable[1]: found \"30001..40001\"; " + range,
      "2: readable[3]: found \"40001..40002.3\"; " + range),
    readable(
      "[\"40001..40010\", \"40010\"]",
      "2: readable[1]: found \"40010\", which overlaps holding:0..9; allowed: ranges apart, or one that is both together"
    ),
    readable(
      "[\"40002..40010\", \"40011..40020\"]",
      "6: groups.a.tags.b.at: found \"40001\" (holding:0..1), which \"readable\" does not have in one range; "
        + "allowed: holding:1..9, holding:10..19"),
    readable(
      "[\"30001..30010\"]",
      "6: groups.a.tags.b.at: found \"40001\" (holding:0..1), which \"readable\" does not have in one range; "
        + "allowed: no holding at all"),
    BrokenMap(
      yaml: """
        kind: modbus
        readable: ["40001", "40010..40020"]
        groups:
          cycle:
            trigger: { tag: count, at: 40010, type: uint16 }
            tags: { a: { at: 40001, type: int16 }, b: { at: 40012, type: int16 } }
        """,
      message:
        "6: groups.cycle.tags: found holding tags in more than one range of \"readable\"; allowed: all in one, so "
        + "that one request reads the whole block of a cycle" + guarded),
    cycle(
      [trigger, "tags:", "  verdict: { at: 40104, type: uint16, role: result }"],
      "6: groups.cycle.tags.verdict.role: found role: result without values that say pass or fail; allowed: values such as { 1: pass, 2: fail } beside it, "
        + "or a bool (true: pass)"),
    cycle(
      [trigger, "tags:", "  count: { at: 40104, type: uint16 }"],
      "6: groups.cycle.tags.count: found a tag called like the trigger; allowed: another name than \"count\""),
    cycle(
      ["trigger: { tag: count, at: 40100, type: uint16, wraps: 65537 }", tags],
      "4: groups.cycle.trigger.wraps: found \"65537\"; allowed: a whole number from 2 to 65536"),
  ]
}

struct ModbusMapTests {
  @Test(arguments: BrokenMap.all)
  func `a broken map is named with its line and what is right`(broken: BrokenMap) throws {
    let folder = try ScratchFolder()
    try folder.write("press.yaml", broken.yaml)
    let maps = MapFolder(path: folder.path)
    #expect(maps.map(named: "press") == nil)
    let messages = maps.problems.map { $0.description.replacing(folder.path + "/press.yaml:", with: "") }
    #expect(messages == broken.message.split(separator: "\n").map(String.init))
  }

  @Test func `a value wider than a request is refused`() throws {
    let yaml =
      "kind: modbus\nrequests: { max-registers: 1 }\ngroups: { a: { tags: { b: { at: 40001, type: int32 } } } }\n"
    let error = #expect(throws: SettingsError.self) { try loadedMap(yaml) }
    #expect(error?.problems.map(\.allowed) == ["values of at most 1 registers, as max-registers says"])
  }

  @Test func `the map of the design is read as it stands`() throws {
    let yaml = """
      kind: modbus
      about: Hydraulic press, S7-1200 with MB_SERVER
      addresses: modicon
      word-order: ABCD
      requests: { timeout: 1s, max-registers: 125, max-gap: 8, pause: 0ms }
      groups:
        process:
          every: 500ms
          report: change
          heartbeat: 60s
          tags:
            ram-force: { at: 40001, type: float32, unit: kN, deadband: 0.2, limits: [80, 120] }
            oil-temp:  { at: 30011, type: int16, scale: 0.1, unit: Cel }
            door-open: { at: 40020.10, type: bool }
        cycle:
          every: 100ms
          trigger:     { tag: cycle-count, at: 40100, type: uint16 }
          acknowledge: { at: 40110 }
          tags:
            peak-force: { at: 40102, type: float32, unit: kN }
            verdict:    { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
            coil:       { at: 40105, type: uint16, role: material, as: coil }
      """
    guard case .modbus(let map) = try loadedMap(yaml).map else {
      Issue.record("another kind of map")
      return
    }
    #expect(map.groups.map(\.name) == ["process", "cycle"])
    #expect(map.groups[0].reporting == .change(heartbeat: .seconds(60)))
    #expect(map.groups[0].tags.map(\.address.bit) == [nil, nil, 10])
    #expect(map.groups[1].trigger?.wraps == 65536)
    #expect(map.groups[1].tags.map(\.role) == [nil, "result", "materials.coil"])
    let requests = map.plan.parts.flatMap { part in part.requests.map { "\(part.group) \(part.purpose): \($0)" } }
    #expect(
      requests == [
        "process poll: function 4, 1 registers from input:10",
        "process poll: function 3, 2 registers from holding:0",
        "process poll: function 3, 1 registers from holding:19",
        "cycle trigger: function 3, 1 registers from holding:99",
        "cycle block: function 3, 6 registers from holding:99",
        "cycle acknowledge: function 3, 1 registers from holding:109",
      ])
  }
}
