import Events
import Testing

@Suite struct `Numbers keep their digits` {
  @Test(arguments: [
    "18446744073709551615", "9223372036854775808", "-9223372036854775809", "1844674407370955161.5",
    "0.1234567890123456789", "-12345678901234567.125", "123456789012345678901234567890.5", "100000000000000000000",
  ]) func `a number that neither Int64 nor Double holds comes back digit by digit`(_ text: String) throws {
    let value = try #require(JSON(Array(text.utf8)).flatMap { TagValue($0) })
    #expect(value == .decimal(ExactNumber(try #require(DecimalNumber(text)))))
    var writer = JSONWriter()
    writer.value(value)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    let json = try #require(JSON(writer.bytes))
    #expect(json.number == Double(text) && json.whole == nil)
    var again = JSONWriter()
    again.value(json)
    #expect(again.bytes == writer.bytes)
  }

  @Test(arguments: [
    ("0.1", JSON.double(0.1)), ("1.7976931348623157e+308", .double(.greatestFiniteMagnitude)),
    ("5e-324", .double(.leastNonzeroMagnitude)), ("2.2250738585072014e-308", .double(.leastNormalMagnitude)),
    ("1e22", .double(1e22)),
    ("-9223372036854775808", .int(.min)), ("0.30000000000000004", .double(0.1 + 0.2)),
    ("12345678901234567", .int(12_345_678_901_234_567)), ("0.00000000000000000010", .double(1e-19)),
  ]) func `a number that one of them holds is that one`(_ text: String, _ value: JSON) {
    #expect(JSON(Array(text.utf8)) == value)
  }

  @Test func `every Double reads back as itself`() {
    for _ in 0..<5000 {
      let double = Double(bitPattern: UInt64.random(in: 0...UInt64.max))
      guard double.isFinite else { continue }
      var writer = JSONWriter()
      writer.value(double)
      #expect(JSON(writer.bytes).flatMap { TagValue($0) } == .double(double))
    }
  }

  @Test func `numbers beyond Double are refused as they were`() {
    #expect(JSON(Array("1e400".utf8)) == nil && JSON(Array("-123456789012345678901e300".utf8)) == nil)
  }

  @Test(arguments: [
    ("12.50", "12.5"), ("-0.001", "-0.001"), ("1e3", "1000"), ("0", "0"), ("-0", "0"), ("1.5e-30", "15e-31"),
    ("7e60", "7e60"), ("0.00000000001", "0.00000000001"),
  ]) func `a decimal is written in digits`(_ text: String, _ shown: String) {
    #expect(DecimalNumber(text)?.text == shown)
  }

  @Test(arguments: [
    "", ".", "-", "e5", "1.2.3", "0x1F", "nan", "1e", "1e401", "1 2", "+-1", "١", "1e99999",
    "123456789012345678901234567890123456789012345",
  ]) func `what is no decimal is none`(_ text: String) {
    #expect(DecimalNumber(text) == nil)
  }

  @Test func `sums of very unlike numbers still round right`() throws {
    // Half of the last place of 2^53 and a little, or nothing, or a little less: up, to even, down.
    let half = try #require(DecimalNumber("9007199254740993"))
    for (text, expected) in [
      ("1e-60", 9007199254740994.0), ("0", 9007199254740992.0), ("-1e-60", 9007199254740992.0),
      ("1e-300", 9007199254740994.0),
    ] {
      let sum = half.added(to: try #require(DecimalNumber(text))).sum
      #expect(sum.double == expected, "\(text)")
      #expect(try #require(DecimalNumber(text)).added(to: half).sum.double == expected)
    }
    let (sum, isExact) = try #require(DecimalNumber("1e300")).added(to: try #require(DecimalNumber("5")))
    #expect(sum.double == 1e300 && !isExact)
  }
}
