import Settings
import Testing

@testable import Devices

@Suite struct ScannerMapTests {
  @Test func `a map with all fields is read as it is written`() throws {
    let map = try scannerMap(
      """
      about: Hand scanner in USB-COM mode
      line: 19200 7E2
      frame: { start: "\\x02", end: '\\x03\\r', max-length: 200, idle: 250ms }
      acknowledge: { accepted: "\\x06", refused: '\\x15\\xFF' }
      aim: true
      encoding: utf-8
      codes:
        - { match: "^OP-(?<operator>[0-9]{4})$" }
        - { match: '^C-(?<material>\\w+)$', as: coil }
        - { match: '^M-(?<material>\\w+)$' }
      """)
    #expect(map.about == "Hand scanner in USB-COM mode")
    #expect(map.line == SerialLine(baud: 19200, dataBits: 7, parity: .even, stopBits: 2))
    #expect(map.line.description == "19200 7E2")
    #expect(map.frame == FrameRule(start: [2], end: [3, 13], maxLength: 200, idle: .milliseconds(250)))
    #expect(map.acknowledge == .init(accepted: [6], refused: [0x15, 0xFF]))
    #expect(map.hasAIM)
    #expect(map.codes.map(\.match) == ["^OP-(?<operator>[0-9]{4})$", "^C-(?<material>\\w+)$", "^M-(?<material>\\w+)$"])
    #expect(map.codes.map(\.place) == [nil, "coil", "material"])
  }

  @Test func `frames of all forms are read as they are written`() throws {
    func frame(_ text: String) throws -> FrameRule { try scannerMap("frame: { \(text) }").frame }
    #expect(try frame("end: [\"\\r\", \"\\n\"]") == FrameRule(ends: [[13], [10]]))
    #expect(
      try frame("start: \"\\x02\", end: \"\\x03\", check: lrc") == FrameRule(start: [2], ends: [[3]], check: .lrc))
    #expect(try frame("start: \"\\x02\", length: 12").length == 12)
    #expect(try frame("length: 12") == FrameRule(ends: [], length: 12, idle: .milliseconds(50)))
    #expect(try frame("end: idle, idle: 80ms") == FrameRule(ends: [], idle: .milliseconds(80)))
    #expect(try frame("end: \"idle\"").ends == [Array("idle".utf8)])
    #expect(try frame("format: rdm6300, gone-after: 2s") == .rdm6300(goneAfter: .seconds(2)))
    #expect(try frame("format: rdm6300").description == "frames of an RDM6300")
  }

  @Test func `what a scanner repeats, cannot read and must know is read as it is written`() throws {
    let map = try scannerMap(
      """
      frame: { end: "\\r" }
      acknowledge: { accepted: "\\x06" }
      no-read: 'NO\\x21'
      unknown: refuse
      silent-after: 30m
      """)
    #expect(map.noRead == Array("NO!".utf8))
    #expect(map.refusesUnknown && map.silentAfter == .seconds(1800))
    #expect(map.repeatWithin == .milliseconds(2500))
    #expect(try scannerMap("frame: { end: \"\\r\" }").repeatWithin == nil)
    #expect(try scannerMap("frame: { end: \"\\r\" }\nrepeat-within: 2s").repeatWithin == .seconds(2))
    #expect(
      try scannerMap("frame: { end: X }\nacknowledge: { accepted: A }\nrepeat-within: 0s").repeatWithin == nil)
  }

  @Test func `what a map leaves out has its default`() throws {
    let map = try scannerMap("frame: { end: \"\\r\" }")
    #expect(map.line.description == "9600 8N1")
    #expect(map.frame == FrameRule(start: [], end: [13], maxLength: 4096, idle: .milliseconds(500)))
    #expect(map.acknowledge == .init())
    #expect(!map.hasAIM)
    #expect(map.codes.isEmpty)
  }

  /// A map that is right but for one line.
  private func problems(_ line: String) throws -> [String] {
    let isFrame = line.hasPrefix("frame:")
    let file = try SettingsFile(
      name: "gun.yaml", text: "kind: serial\n" + (isFrame ? "" : "frame: { end: \"\\r\" }\n") + line)
    _ = DeviceMap(file)
    do {
      try file.check()
      return []
    } catch let error as SettingsError {
      return error.problems.map(\.description)
    }
  }

  @Test(arguments: brokenMapCases)
  func `a broken map says what is wrong and how it would be right`(line: String, problem: String) throws {
    #expect(try problems(line) == [problem])
  }

  @Test func `a map without a frame says so`() throws {
    let file = try SettingsFile(name: "gun.yaml", text: "kind: serial\nline: 9600 8N1\n")
    if case .some = DeviceMap(file) { Issue.record("a map without a frame was taken") }
    let error = #expect(throws: SettingsError.self) { try file.check() }
    #expect(
      error?.description
        == "gun.yaml:1: found no \"frame\"; allowed: frame: what ends a frame, such as { end: \"\\r\" }")
  }

  @Test func `all problems of a map are shown at once, in the order of lines`() throws {
    let file = try SettingsFile(
      name: "gun.yaml", text: "kind: serial\nline: 9600 9N1\nframe: { end: '' }\naim: on\ncodes: [{ match: '(' }]")
    _ = DeviceMap(file)
    let error = #expect(throws: SettingsError.self) { try file.check() }
    #expect(error?.problems.map(\.line) == [2, 3, 4, 5])
  }
}

/// A line that breaks a map, and below it, indented, the problem; `<NAME>` stands for a list that recurs.
private let brokenMapCases: [(line: String, problem: String)] = {
  let lists = [
    ("<RATES>", "a usual speed such as 1200, 9600, 115200, or any other from 50 to 4000000"),
    (
      "<FORM>",
      "speed, data bits, parity and stop bits, such as 9600 8N1, and rts-cts or xon-xoff where there is flow control"
    ),
    ("<BYTES>", #"ASCII, \r, \n, \t, \x02, \\; from 80 up in single quotes, '\xFF'"#),
    ("<LOTS>", "10 (BATCH/LOT), 7020 (REFURB LOT), 90 to 99 (INTERNAL)"),
    ("<ROLES>", "operator, lot, unit, product, material, component, order, carrier, command, no-read"),
  ]
  var cases: [(line: String, problem: String)] = []
  for line in brokenMaps.split(separator: "\n").map(String.init) {
    if line.hasPrefix("  ") {
      let more = String(line.drop { $0 == " " })
      let problem = cases[cases.count - 1].problem
      cases[cases.count - 1].problem = problem.isEmpty ? more : problem + " " + more
    } else {
      cases.append((line, ""))
    }
  }
  return cases.map { found in
    (found.line, lists.reduce(found.problem) { $0.replacing($1.0, with: $1.1) })
  }
}()

/// Each breaks a map that is right otherwise.
private let brokenMaps = #"""
  line: 9601 8N1
    gun.yaml:3: line: found "9601" baud; allowed: <RATES>; did you mean "9600"?
  line: fast
    gun.yaml:3: line: found "fast"; allowed: <FORM>
  line: 9600-8-n-1
    gun.yaml:3: line: found "9600-8-n-1"; allowed: <FORM>; did you mean "9600 8N1"?
  line: 19200,7,E,2
    gun.yaml:3: line: found "19200,7,E,2"; allowed: <FORM>; did you mean "19200 7E2"?
  line: 9600
    gun.yaml:3: line: found "9600"; allowed: <FORM>; did you mean "9600 8N1"?
  line: [9600, 8N1]
    gun.yaml:3: line: found a list; allowed: <FORM>
  line:
    gun.yaml:3: line: found nothing; allowed: <FORM>
  line: 9600 8N
    gun.yaml:3: line: found "8N"; allowed: <FORM>
  line: 96OO 8N1
    gun.yaml:3: line: found "96OO" baud; allowed: <RATES>
  line: 49 8N1
    gun.yaml:3: line: found "49" baud; allowed: <RATES>; did you mean "50"?
  line: 9600 4N1
    gun.yaml:3: line: found "4" data bits in "4N1"; allowed: 5, 6, 7 or 8
  line: 9600 8n1
    gun.yaml:3: line: found parity "n" in "8n1"; allowed: N (none), E (even), O (odd), M (mark) or S
      (space); did you mean "N"?
  line: 9600 8N3
    gun.yaml:3: line: found "3" stop bits in "8N3"; allowed: 1 or 2
  line: 9600 8N1 RTS/CTS
    gun.yaml:3: line: found flow control "RTS/CTS"; allowed: none, rts-cts, xon-xoff; did you mean "rts-cts"?
  line: 9600 8N1 dtr-dsr
    gun.yaml:3: line: found flow control "dtr-dsr"; allowed: none, rts-cts, xon-xoff
  frame: { start: "\x02" }
    gun.yaml:2: frame: found no "end"; allowed: end: the bytes that end a frame, such as "\r"; or idle, where a
      pause does
  frame: { end: CR }
    gun.yaml:2: frame.end: found "CR", which as it stands is 2 letters; allowed: the byte itself; did you mean "\r"?
  frame: { end: "<CR><LF>" }
    gun.yaml:2: frame.end: found "<CR><LF>", which as it stands is 8 letters; allowed: the byte itself; did you
      mean "\r\n"?
  frame: { end: 0x03 }
    gun.yaml:2: frame.end: found "0x03", which as it stands is 4 letters; allowed: the byte itself; did you mean
      "\x03"?
  frame: { end: [] }
    gun.yaml:2: frame.end: found a list; allowed: at least one end, such as ["\r", "\n"]
  frame: { end: ["\r", "\r\n"] }
    gun.yaml:2: frame.end: found "\r" and "\r\n", of which one begins the other; allowed: ["\r", "\n"] for CR, LF,
      or both
  frame: { end: idle, check: lrc }
    gun.yaml:2: frame.check: found "lrc"; allowed: lrc with an "end" before it, such as "\x03"
  frame: { end: "\x03", check: crc }
    gun.yaml:2: frame.check: found "crc"; allowed: lrc; did you mean "lrc"?
  frame: "\r"
    gun.yaml:2: frame: found "\r"; allowed: what ends a frame, such as { end: "\r" }
  frame: { end: "" }
    gun.yaml:2: frame.end: found ""; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: }
    gun.yaml:2: frame.end: found nothing; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: '\q' }
    gun.yaml:2: frame.end: found "\\q"; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: '\x0' }
    gun.yaml:2: frame.end: found "\\x0"; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: "\xFF" }
    gun.yaml:2: frame.end: found "\xC3\xBF"; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: 123456789 }
    gun.yaml:2: frame.end: found "123456789"; allowed: 1 to 8 bytes, such as "\r": <BYTES>
  frame: { end: "\r", length: 0 }
    gun.yaml:2: frame.length: found "0"; allowed: a whole number from 1 to 4096
  frame: { end: "\r", length: 1 }
    gun.yaml:2: frame: found a length of 1 for 1 bytes of start and end; allowed: a length that leaves room for a
      code
  frame: { length: 14, max-length: 20 }
    gun.yaml:2: frame.max-length: found max-length beside length; allowed: one of them
  frame: { format: rdm630 }
    gun.yaml:2: frame.format: found "rdm630"; allowed: rdm6300; did you mean "rdm6300"?
  frame: { format: rdm6300, end: "\x03" }
    gun.yaml:2: frame.end: found "end" beside format; allowed: leave it out: the format says it
  frame: { end: "\r", max-length: 5000 }
    gun.yaml:2: frame.max-length: found "5000"; allowed: a whole number from 2 to 4096
  frame: { start: "AB", end: "CD", max-length: 4 }
    gun.yaml:2: frame: found a max-length of 4 for 4 bytes of start and end; allowed: a max-length that leaves
      room for a code
  frame: { end: "\r", idle: 5 }
    gun.yaml:2: frame.idle: found "5"; allowed: a time from 10ms to 1m
  frame: { end: "\r", idle: 2m }
    gun.yaml:2: frame.idle: found "2m"; allowed: a time from 10ms to 1m
  frame: { end: "\r", maxlength: 5 }
    gun.yaml:2: frame.maxlength: found unknown key "maxlength"; allowed: check, end, idle, length, max-length,
      start; did you mean "max-length"?
  acknowledge: {}
    gun.yaml:3: acknowledge: found neither accepted nor refused; allowed: accepted: "\x06", refused: "\x15", or
      one of them
  acknowledge: "\x06"
    gun.yaml:3: acknowledge: found "\x06"; allowed: what is sent after a scan: accepted, refused
  acknowledge: { accepted: A, refused: A }
    gun.yaml:3: acknowledge: found "A" for both accepted and refused; allowed: different bytes, so that the
      operator can tell them apart
  acknowledge: { acepted: A, refused: B }
    gun.yaml:3: acknowledge.acepted: found unknown key "acepted"; allowed: accepted, refused; did you mean
      "accepted"?
  aim: yes
    gun.yaml:3: aim: found "yes"; allowed: true or false; did you mean "true"?
  encoding: gb18030
    gun.yaml:3: encoding: found "gb18030"; allowed: utf-8: gb18030 is not supported yet
  encoding: utf8
    gun.yaml:3: encoding: found "utf8"; allowed: utf-8; did you mean "utf-8"?
  repeat-within: 2
    gun.yaml:3: repeat-within: found "2"; allowed: a time up to 1m, such as 2s; 0s where the scanner repeats nothing
  no-read: ""
    gun.yaml:3: no-read: found ""; allowed: 1 to 64 bytes as the scanner sends them, such as NOREAD
  unknown: reject
    gun.yaml:3: unknown: found "reject"; allowed: keep, refuse
  silent-after: 10ms
    gun.yaml:3: silent-after: found "10ms"; allowed: a time such as 500ms, 1s, 5m, 12h or 30d, at least 1s
  codes: "^OP"
    gun.yaml:3: codes: found "^OP"; allowed: a list: rules such as { match: "^OP-(?<operator>[0-9]{4})$" }
  codes: ["^OP"]
    gun.yaml:3: codes[0]: found "^OP"; allowed: a rule such as { match: "^OP-(?<operator>[0-9]{4})$" }
  codes: [{ as: coil }]
    gun.yaml:3: codes[0]: found no "match", "gs1" or "mh10"; allowed: match: a pattern with a role, (?<unit>…);
      gs1: roles and application identifiers, { lot: "10" }; or mh10: roles and data identifiers, { material: "1T" }
  codes: [{ match: "" }]
    gun.yaml:3: codes[0].match: found ""; allowed: a pattern with a role, (?<unit>…)
  codes: [{ match: "^(?<unti>.*)$" }]
    gun.yaml:3: codes[0].match: found unknown role "unti"; allowed: <ROLES>; did you mean "unit"?
  codes: [{ match: "^(?<xyzzy>.*)$" }]
    gun.yaml:3: codes[0].match: found unknown role "xyzzy"; allowed: <ROLES>
  codes: [{ match: "^(unit)$" }]
    gun.yaml:3: codes[0].match: found a pattern without a role; allowed: a named group, (?<role>…), with one of
      <ROLES>
  codes: [{ match: "^(?=A)(?<unit>.*)$" }]
    gun.yaml:3: codes[0].match: found lookahead, "(?=" at character 2 of the pattern; allowed: groups (…), (?:…)
      and (?<role>…); lookahead is not supported
  codes: [{ match: "(?<unit>A" }]
    gun.yaml:3: codes[0].match: found "(" without its ")" at character 1 of the pattern; allowed: a closing )
  codes: [{ match: "(?<unit>A)", as: coil }]
    gun.yaml:3: codes[0].as: found "coil"; allowed: no "as": it names the place of a material, and the pattern
      has no (?<material>…)
  codes: [{ match: "(?<material>A)", as: operator }]
    gun.yaml:3: codes[0].as: found the role "operator" as a place; allowed: a name that is not a role's, such as
      coil
  codes: [{ match: "(?<material>A)", as: material }]
    gun.yaml:3: codes[0].as: found "material"; allowed: leave it out: material is the place of a rule without
      "as"
  codes: [{ match: "(?<material>A)", as: "the coil" }]
    gun.yaml:3: codes[0].as: found "the coil"; allowed: a place: 1 to 64 of A-Z a-z 0-9 - _
  codes: [{ gs1: "10" }]
    gun.yaml:3: codes[0].gs1: found "10"; allowed: roles and application identifiers, such as { lot: "10", unit:
      "21" }
  codes: [{ gs1: {} }]
    gun.yaml:3: codes[0].gs1: found no role; allowed: roles and application identifiers, such as { lot: "10", unit:
      "21" }
  codes: [{ gs1: { lott: "10" } }]
    gun.yaml:3: codes[0].gs1.lott: found unknown role "lott"; allowed: operator, lot, unit, product, material,
      component, order, carrier, command; did you mean "lot"?
  codes: [{ gs1: { no-read: "10" } }]
    gun.yaml:3: codes[0].gs1.no-read: found unknown role "no-read"; allowed: operator, lot, unit, product, material,
      component, order, carrier, command
  codes: [{ gs1: { lot: "1O" } }]
    gun.yaml:3: codes[0].gs1.lot: found unknown application identifier "1O"; allowed: <LOTS>; did you mean "10"?
  codes: [{ gs1: { lot: batch/lot } }]
    gun.yaml:3: codes[0].gs1.lot: found unknown application identifier "batch/lot"; allowed: <LOTS>; did you mean
      "10"?
  codes: [{ gs1: { lot: "01" } }]
    gun.yaml:3: codes[0].gs1.lot: found (01), GTIN, which names no lot; allowed: <LOTS>
  codes: [{ gs1: { lot: "17" } }]
    gun.yaml:3: codes[0].gs1.lot: found (17), USE BY or EXPIRY, which names no lot; allowed: <LOTS>
  codes: [{ gs1: { operator: "21" } }]
    gun.yaml:3: codes[0].gs1.operator: found (21), SERIAL, which names no operator; allowed: 8017 (GSRN - PROVIDER),
      8018 (GSRN - RECIPIENT), 90 to 99 (INTERNAL)
  codes: [{ gs1: { lot: } }]
    gun.yaml:3: codes[0].gs1.lot: found nothing; allowed: an application identifier, such as "10"
  codes: [{ gs1: { lot: "10", scope: gtin } }]
    gun.yaml:3: codes[0].gs1.scope: found "gtin"; allowed: none: a lot or a serial number is then told without the
      GTIN or supplier of its label
  codes: [{ match: "(?<lot>A)", scope: none }]
    gun.yaml:3: codes[0].scope: found "none"; allowed: no "scope": it is about elements, and the rule has neither gs1
      nor mh10
  codes: [{ gs1: { lot: "10" }, as: coil }]
    gun.yaml:3: codes[0].as: found "coil"; allowed: no "as": it names the place of a material, and the rule has none
  codes: [{ gs1: { lot: "10" }, mh10: { lot: "1T" } }]
    gun.yaml:3: codes[0].mh10: found "gs1" and "mh10" in one rule; allowed: one of them: a label is of one standard
  codes: [{ gs1: { lot: "10" }, match: "(?<lot>A)" }]
    gun.yaml:3: codes[0].gs1.lot: found the role lot here and in the pattern; allowed: each role once
  codes: [{ mh10: { lot: "1t" } }]
    gun.yaml:3: codes[0].mh10.lot: found no data identifier, "1t"; allowed: up to three digits and a capital letter,
      such as T (lot, by the customer), 1T (lot, by the supplier), 25T (lot with its party, unique in the world); did
      you mean "1T"?
  codes: [{ mh10: { lot: Q } }]
    gun.yaml:3: codes[0].mh10.lot: found Q, quantity, which names no lot; allowed: T (lot, by the customer), 1T (lot,
      by the supplier), 25T (lot with its party, unique in the world)
  separators: yes
    gun.yaml:3: separators: found "yes"; allowed: sent
  codes: [{ mach: "(?<unit>A)", match: "(?<unit>B)" }]
    gun.yaml:3: codes[0].mach: found unknown key "mach"; allowed: as, gs1, match, mh10, scope; did you
      mean "match"?
  about: [a]
    gun.yaml:3: about: found a list; allowed: a text
  baud: 9600
    gun.yaml:3: baud: found unknown key "baud"; allowed: about, acknowledge, aim, codes, encoding, frame, kind,
      line, no-read, repeat-within, separators, silent-after, unknown
  """#
