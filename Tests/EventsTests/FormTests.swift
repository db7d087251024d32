import Events
import Testing

@Suite struct `Forms are read strictly` {
  @Test(arguments: [
    "2026-11-23T08:31:02.123456Z", "1969-12-31T23:59:59.999999Z", "2000-02-29T00:00:00.000000Z",
    "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z",
  ]) func `a time in the one form reads and writes back`(_ text: String) {
    #expect(Timestamp(text)?.description == text)
  }

  @Test func `a shorter fraction, none, and second 60 are understood`() {
    #expect(Timestamp("1970-01-01T00:00:01.5Z")?.microseconds == 1_500_000)
    #expect(Timestamp("1970-01-01T00:00:01Z")?.microseconds == 1_000_000)
    #expect(Timestamp("1970-01-01T00:00:60.000000Z")?.microseconds == 60_000_000)
  }

  @Test(arguments: [
    "", "2026-11-23", "2026-11-23T08:31:02.123456", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
    "2026-11-23T24:00:00Z", "2026-11-23T08:31:02.Z", "2026-11-23T08:31:02.1234567Z", "2026-11-23 08:31:02Z",
    "2026-11-23T08:31:02+00:00", "+026-11-23T08:31:02Z",
  ]) func `any other form is no time`(_ text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test(arguments: [
    "{", "{}x", "[1,]", "{\"a\":1,}", "01", "1.", "-", "+1", ".5", "1e", "nul", "\"\u{1}\"", "\"\\x\"", "\"\\u12\"",
    "\"\\ud800\"", "{\"a\" 1}", "[1 2]", "", "NaN", "\"abc", String(repeating: "[", count: 60),
  ]) func `what is not JSON is refused`(_ text: String) {
    #expect(JSON(Array(text.utf8)) == nil)
  }

  @Test func `fields that are not wanted are left out of the outermost object, and are JSON all the same`() {
    let text = #"{"a":[1,{"b":2}],"b":{"a":3},"c":{}}"#
    #expect(
      JSON(Array(text.utf8), without: ["a", "c"]) == .object([.init("b", .object([.init("a", .int(3))]))]))
    #expect(JSON(Array(#"{"a":[1,],"b":1}"#.utf8), without: ["a"]) == nil)
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(JSON([0x22, 0xC3, 0x28, 0x22]) == nil)
  }

  @Test func `escapes, surrogates and large numbers are read right`() {
    let json = JSON(
      Array(#" {"a":"\u00e9\ud83d\ude00\n\/","b":[1,-2.5e3,9223372036854775807,9223372036854775808]} "#.utf8))
    #expect(json?["a"]?.text == "é😀\n/")
    #expect(
      json?["b"]?.items == [
        .int(1), .double(-2500), .int(.max),
        .decimal(ExactNumber(DecimalNumber(mantissa: 9_223_372_036_854_775_808, exponent: 0))),
      ])
  }

  @Test(arguments: ["a", "A.b_c-9", String(repeating: "x", count: 64)]) func `a source name`(_ name: String) {
    #expect(SourceName(name)?.description == name)
  }

  @Test(arguments: ["", "a b", "ä", "a/b", String(repeating: "x", count: 65)]) func `no source name`(_ name: String) {
    #expect(SourceName(name) == nil)
  }

  @Test func `an event's id names its incarnation and number and nothing else`() {
    let hex = "0123456789abcdef0123456789abcdef"
    #expect(EventID("\(hex):12")?.sequence == 12)
    for wrong in ["\(hex):0", "\(hex):012", "\(hex):", "\(hex)", "\(hex):1:2", "\(hex.uppercased()):1", ":1"] {
      #expect(EventID(wrong) == nil)
    }
  }

  @Test func `a code keeps its own tildes apart from the scope's`() {
    let id = Identifier(code: "L~7%", scope: "supplier:ACME")
    #expect(id.description == "supplier:ACME~L%7E7%25")
    #expect(id.code == "L%7E7%25")
    #expect(Identifier(code: "plain").description == "plain")
  }

  @Test(arguments: [
    (#"{"specversion":"1.0"}"#, Envelope.Fault.missing("id")), ("[]", .notJSON), ("", .notJSON),
    (#"{"specversion":"0.3"}"#, .invalid("specversion")), (#"{"specversion":1}"#, .notJSON),
  ]) func `a line that is no event says why`(_ line: String, _ fault: Envelope.Fault) {
    #expect(throws: fault) { try Envelope(line: Array(line.utf8)) }
  }

  @Test func `a receipt reads back, and a portal's page is none`() {
    let receipt = Receipt(
      source: SourceName("a")!, incarnation: .random(), receivedThrough: 1047, head: .zero, safeThrough: 900)
    #expect(Receipt(json: receipt.json) == receipt)
    #expect(Receipt(json: Array("<html>Welcome to the hotel</html>".utf8)) == nil)
    #expect(Receipt(json: Array(#"{"source":"a"}"#.utf8)) == nil)
  }
}
