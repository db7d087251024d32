import Events
import Testing

@testable import Devices

/// What bytes mean, and which requests bring them.
struct ModbusValueTests {
  private func tag(
    _ type: ValueType, _ order: WordOrder? = nil, at number: Int = 0, bit: Int? = nil, scaling: Scaling? = nil,
    names: [Int64: String]? = nil, table: ModbusAddress.Table = .holding
  ) -> ModbusTag {
    ModbusTag(
      name: "t\(table.rawValue)\(number)-\(bit ?? 0)",
      address: ModbusAddress(table: table, number: number, bit: bit, text: ""), type: type, order: order,
      scaling: scaling, names: names)
  }

  @Test func `values that are none are bad, with their raw words`() {
    #expect(tag(.float32).value(of: [0x7F, 0xC0, 0, 0]) == .bad(reason: "not a number", raw: [0x7F, 0xC0, 0, 0]))
    #expect(tag(.float32).value(of: [0xFF, 0x80, 0, 0]) == .bad(reason: "infinite", raw: [0xFF, 0x80, 0, 0]))
    let named = tag(.uint16, names: [1: "pass", 2: "fail"])
    #expect(named.value(of: [0, 2]) == .string("fail"))
    #expect(named.value(of: [0, 7]) == .bad(reason: "7 is not in the map's values", raw: [0, 7]))
  }

  @Test func `bits are counted from the least significant`() {
    for bit in 0..<16 {
      let word = UInt16(1) << UInt16(bit)
      let raw = [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
      #expect(tag(.bool, bit: bit).value(of: raw) == .bool(true))
      #expect(tag(.bool, bit: bit).value(of: raw.map { ~$0 }) == .bool(false))
      #expect(tag(.bool, bit: bit).whole(in: raw, from: 0) == 1)
    }
    let coil = tag(.bool, at: 19, table: .coil)
    #expect(coil.value(in: [0x00, 0x02], from: 10) == .bool(true))
    #expect(coil.value(in: [0xFF, 0xFD], from: 10) == .bool(false))
  }

  @Test(arguments: [
    ("0.1", "0", 3, TagValue.double(0.3)), ("0.1", "0", 7, .double(0.7)), ("0.01", "0", 1999, .double(19.99)),
    ("0.1", "-40", 653, .double(25.3)), ("1e-3", "0", -1, .double(-0.001)), ("10", "5", -3, .int(-25)),
    ("2.5", "0.25", 3, .double(7.75)), ("-0.1", "0", 3, .double(-0.3)), ("0.333", "0", 3, .double(0.999)),
    ("1", "0.1", 2, .double(2.1)), ("1e3", "0", 2, .int(2000)),
  ])
  func `scales are reckoned in decimal`(scale: String, offset: String, raw: Int16, value: TagValue) throws {
    let scaling = Scaling(
      scale: try #require(DecimalNumber(scale)), offset: try #require(DecimalNumber(offset)))
    let bits = UInt16(bitPattern: raw)
    let tag = tag(.int16, scaling: scaling)
    #expect(tag.value(of: [UInt8(bits >> 8), UInt8(truncatingIfNeeded: bits)]) == value)
  }

  @Test func `scales round once, like the decimal read as a whole`() throws {
    let scales = ["0.1", "0.01", "0.001", "0.0001", "0.05", "0.333333333333", "1.7", "12.5", "123456.789"]
    for text in scales {
      let scaling = Scaling(scale: try #require(DecimalNumber(text)), offset: .zero)
      let digits = try #require(DecimalNumber(text)).mantissa
      let places = text.split(separator: ".")[1].count
      for _ in 0..<200 {
        let raw = Int64.random(in: Int64(Int32.min)...Int64(UInt32.max))
        let expected = try #require(Double("\(Int128(raw) * digits)e-\(places)"))
        #expect(scaling.scaled(DecimalNumber(mantissa: Int128(raw), exponent: 0)).double == expected)
      }
    }
  }

  @Test func `questions are frames as the specification has them`() throws {
    let read = Exchange(transaction: 0x1501, unit: 17, question: .read(.holding, address: 107, count: 3))
    #expect(read.bytes == [0x15, 0x01, 0, 0, 0, 6, 17, 3, 0, 107, 0, 3])
    let one = Exchange(transaction: 1, unit: 1, question: try acknowledging(0x1234, at: 109))
    #expect(one.bytes == [0, 1, 0, 0, 0, 6, 1, 6, 0, 109, 0x12, 0x34])
    let two = Exchange(transaction: 1, unit: 1, question: try acknowledging(0x1_0002, at: 109, .uint32))
    #expect(two.bytes == [0, 1, 0, 0, 0, 11, 1, 16, 0, 109, 0, 2, 4, 0, 1, 0, 2])
    let coil = Exchange(transaction: 1, unit: 1, question: try acknowledging(1, at: 4, .bool))
    #expect(coil.bytes == [0, 1, 0, 0, 0, 6, 1, 5, 0, 4, 0xFF, 0])
  }

  @Test func `an answer to a write must repeat it`() throws {
    let write = Exchange(transaction: 1, unit: 1, question: try acknowledging(7, at: 109))
    #expect(try write.answer(in: write.bytes) == .data([]))
    var wrong = write.bytes
    wrong[11] = 8
    #expect(throws: LineFault.echo) { try write.answer(in: wrong) }
    #expect(try write.answer(in: Array(write.bytes.dropLast())) == nil)
    #expect(
      try write.answer(in: [0, 1, 0, 0, 0, 3, 1, 0x86, 4]) == .refused(DeviceException(code: 4)))
  }
}
