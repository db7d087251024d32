import Events
import Testing

@testable import Devices

/// The bytes of a number, most significant first.
private func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

/// Every type in every order, both ways.
struct ModbusTypeTests {
  static func tag(
    _ type: ValueType, _ order: WordOrder? = nil, bits: ClosedRange<Int>? = nil, scaling: Scaling? = nil,
    names: [Int64: String]? = nil, length: Int = 0, encoding: TextEncoding = .ascii
  ) -> ModbusTag {
    ModbusTag(
      name: "t", address: ModbusAddress(table: .holding, number: 0, bits: bits, text: ""), type: type, order: order,
      scaling: scaling, names: names, length: length, encoding: encoding)
  }

  /// The bytes, most significant first, as an order's name says that they arrive.
  private static func arriving(_ bytes: [UInt8], _ order: WordOrder) -> [UInt8] {
    order.rawValue.utf8.map { bytes[Int($0 - 0x41)] }
  }

  private static func words(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
  }

  @Test(arguments: [
    (ValueType.int16, bigEndian(Int16(-200)), TagValue.int(-200)), (.uint16, bigEndian(UInt16(65336)), .int(65336)),
    (.int32, bigEndian(Int32(-2_000_000_001)), .int(-2_000_000_001)),
    (.uint32, bigEndian(UInt32.max), .int(4_294_967_295)),
    (.int64, bigEndian(Int64.min), .int(.min)),
    (.int64, bigEndian(Int64(-9_007_199_254_740_993)), .int(-9_007_199_254_740_993)),
    (.uint64, bigEndian(UInt64(Int64.max)), .int(.max)),
    (.uint64, bigEndian(UInt64.max), .decimal(ExactNumber(DecimalNumber(mantissa: Int128(UInt64.max), exponent: 0)))),
    (.float32, bigEndian(Float(80.2).bitPattern), .double(80.2)),
    (.float32, bigEndian(Float(-0.1).bitPattern), .double(-0.1)),
    (.float64, bigEndian(Double.pi.bitPattern), .double(.pi)),
    (.float64, bigEndian((-Double.leastNonzeroMagnitude).bitPattern), .double(-Double.leastNonzeroMagnitude)),
    (.bcd16, [0x98, 0x76], .int(9876)), (.bcd32, [0x12, 0x34, 0x56, 0x78], .int(12_345_678)),
    (.bcd32, [0, 0, 0, 0x09], .int(9)),
  ])
  func `every type is understood in every order, and written so`(type: ValueType, bytes: [UInt8], value: TagValue) {
    for order in WordOrder.choices(width: type.width) {
      let tag = Self.tag(type, order)
      let raw = Self.arriving(bytes, order)
      #expect(tag.value(of: raw) == value, "\(order)")
      #expect(tag.registers(showing: value) == Self.words(raw), "\(order)")
    }
  }

  @Test func `there are two, four and eight orders`() {
    #expect([1, 2, 4].map { WordOrder.choices(width: $0).count } == [2, 4, 8])
    #expect(Set(WordOrder.ofMaps).count == 12)
  }

  @Test(arguments: [
    (WordOrder.ABCD, WordOrder.ABCD, WordOrder.ABCDEFGH), (.CDAB, .CDAB, .GHEFCDAB), (.BADC, .BADC, .BADCFEHG),
    (.DCBA, .DCBA, .HGFEDCBA), (.ABCDEFGH, .ABCD, .ABCDEFGH), (.GHEFCDAB, .CDAB, .GHEFCDAB),
    (.BADCFEHG, .BADC, .BADCFEHG), (.HGFEDCBA, .DCBA, .HGFEDCBA), (.CDABGHEF, .CDAB, .CDABGHEF),
    (.DCBAHGFE, .DCBA, .DCBAHGFE), (.EFGHABCD, .ABCD, .EFGHABCD), (.FEHGBADC, .BADC, .FEHGBADC),
  ])
  func `a map's order means one for two words and one for four`(map: WordOrder, two: WordOrder, four: WordOrder) {
    #expect(map.fitting(width: 2) == two && map.fitting(width: 4) == four && map.fitting(width: 1) == nil)
  }

  @Test func `any raw bytes that show a value are written back as they were`() throws {
    var numbers = Seeded(seed: 4)
    let scales = ["1", "0.1", "0.001", "2.5", "-0.5", "1000", "0.333333333333", "1e-9"]
    for _ in 0..<6000 {
      let type = try #require(ValueType.allCases.filter { $0 != .string && $0 != .bool }.randomElement(using: &numbers))
      let scaling = Scaling(
        scale: try #require(scales.randomElement(using: &numbers).flatMap { DecimalNumber($0) }),
        offset: try #require(["0", "-40", "0.25", "1e6"].randomElement(using: &numbers).flatMap { DecimalNumber($0) }))
      let isScaled = type.range != nil && Bool.random(using: &numbers)
      let low = Int.random(in: 0...15, using: &numbers)
      let tag = Self.tag(
        type, WordOrder.choices(width: type.width).randomElement(using: &numbers),
        bits: type == .bits ? low...Int.random(in: low...15, using: &numbers) : nil, scaling: isScaled ? scaling : nil)
      let raw = (0..<type.width * 2).map { _ in UInt8.random(in: 0...255, using: &numbers) }
      let value = tag.value(of: raw)
      guard value.isGood else { continue }
      let others = Self.words((0..<type.width * 2).map { _ in UInt8.random(in: 0...255, using: &numbers) })
      let written = try #require(tag.registers(showing: value, among: others), "\(type) \(raw) \(value)")
      guard type == .bits else {
        #expect(written == Self.words(raw), "\(type) \(tag.order) \(value)")
        continue
      }
      for bit in 0..<16 {
        let isOwn = tag.address.bits?.contains(bit) == true
        #expect(written[0] >> UInt16(bit) & 1 == (isOwn ? Self.words(raw) : others)[0] >> UInt16(bit) & 1)
      }
    }
  }

  @Test func `some bits of a register are an unsigned number`() {
    let raw: [UInt8] = [0b1010_0110, 0b1111_0101]
    for (bits, value) in [
      (0...0, 1), (0...3, 5), (4...7, 15), (8...11, 6), (12...15, 10), (7...8, 1), (0...15, 0xA6F5),
    ] {
      #expect(Self.tag(.bits, bits: bits).value(of: raw) == .int(Int64(value)), "\(bits)")
      #expect(Self.tag(.bits, bits: bits).whole(in: raw, from: 0) == UInt64(value))
    }
    let state = Self.tag(.bits, bits: 4...5, names: [0: "stopped", 3: "running"])
    #expect(state.value(of: raw) == .string("running"))
    #expect(state.value(of: [0, 0x10]) == .bad(reason: "1 is not in the map's values", raw: [0, 0x10]))
    #expect(state.registers(showing: .string("stopped"), among: [0xFFFF]) == [0xFFCF])
    #expect(state.registers(showing: .string("asleep")) == nil)
  }

  @Test(arguments: [
    (ValueType.bcd16, [0x12, 0x3A]), (.bcd16, [0xF0, 0]), (.bcd32, [0, 0, 0xA0, 0]),
    (.bcd32, [0x12, 0x34, 0x56, 0x7B]),
  ])
  func `BCD with a nibble over 9 is bad, with its raw words`(type: ValueType, raw: [UInt8]) {
    #expect(Self.tag(type).value(of: raw) == .bad(reason: "a nibble over 9, which BCD has not", raw: raw))
    #expect(Self.tag(type).whole(in: raw, from: 0) == nil)
  }

  @Test func `a double that is not finite is bad, with its raw words`() {
    for (double, reason) in [(Double.nan, "not a number"), (.infinity, "infinite"), (-.infinity, "infinite")] {
      let raw = bigEndian(double.bitPattern)
      #expect(Self.tag(.float64).value(of: raw) == .bad(reason: reason, raw: raw))
      #expect(
        Self.tag(.float64, scaling: Scaling(scale: .one, offset: .one)).value(of: raw) == .bad(reason: reason, raw: raw)
      )
    }
  }

  @Test func `what a type cannot hold is not written`() {
    for (type, value) in [
      (ValueType.int16, 32768.0), (.int16, -32769), (.uint16, -1), (.uint16, 65536), (.int32, 3e9), (.uint32, 5e9),
      (.uint64, 2e19), (.int64, 1e19), (.bcd16, 10000), (.bcd16, -1), (.bcd32, 1e8), (.float32, 1e39),
    ] {
      #expect(Self.tag(type).registers(showing: value) == nil, "\(type) \(value)")
    }
    #expect(Self.tag(.bits, bits: 4...7).registers(showing: 16) == nil)
    #expect(Self.tag(.uint16).registers(showing: .nan) == nil && Self.tag(.uint16).registers(showing: .infinity) == nil)
  }

  // MARK: Scaling

  @Test(arguments: [
    (ValueType.uint64, UInt64.max, "0.1", "0", "1844674407370955161.5"),
    (.uint64, UInt64.max, "0.001", "0", "18446744073709551.615"),
    (.uint64, UInt64.max, "10", "5", "184467440737095516155"),
    (.uint64, 10, "0.1", "0", "1.0"), (.uint64, 215, "0.1", "0", "21.5"),
    (.int64, UInt64(bitPattern: -9_223_372_036_854_775_807), "0.01", "0.5", "-92233720368547757.57"),
    (.uint64, 12_345_678_901_234_567_890, "0.1", "0", "1234567890123456789"),
    (.uint64, 1 << 53 + 1, "1", "0.5", "9007199254740993.5"),
  ])
  func `whole numbers are scaled digit by digit, whatever their size`(
    type: ValueType, raw: UInt64, scale: String, offset: String, text: String
  ) throws {
    let scaling = Scaling(scale: try #require(DecimalNumber(scale)), offset: try #require(DecimalNumber(offset)))
    let value = Self.tag(type, scaling: scaling).value(of: bigEndian(raw))
    var writer = JSONWriter()
    writer.value(value)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    #expect(JSON(writer.bytes).flatMap { TagValue($0) } == value)
  }

  @Test(arguments: [
    (0.1, "3", "0", 0.3), (0.7, "0.1", "0", 0.07), (1.1, "1.1", "0", 1.21), (100.01, "0.01", "-1", 0.0001),
    (1e300, "1", "5", 1e300), (1e-300, "1", "273.15", 273.15), (-2.2, "0.5", "1.1", 0), (1.5e300, "1e-300", "0", 1.5),
  ])
  func `a float64 is scaled in decimal and rounded once`(raw: Double, scale: String, offset: String, value: Double)
    throws
  {
    let scaling = Scaling(scale: try #require(DecimalNumber(scale)), offset: try #require(DecimalNumber(offset)))
    #expect(Self.tag(.float64, scaling: scaling).value(of: bigEndian(raw.bitPattern)) == .double(value))
  }

  @Test func `what is too large once scaled is bad`() {
    let scaling = Scaling(scale: DecimalNumber(mantissa: 1, exponent: 60), offset: .zero)
    let raw = bigEndian(1e300.bitPattern)
    #expect(Self.tag(.float64, scaling: scaling).value(of: raw) == .bad(reason: "too large once scaled", raw: raw))
  }

  // MARK: Strings

  @Test(arguments: [
    ("SN0042\0\0", 8, TextEncoding.ascii, "SN0042"), ("SN0042  ", 8, .ascii, "SN0042"),
    ("SN00425 ", 7, .ascii, "SN00425"),
    ("SN00425X", 7, .ascii, "SN00425"), ("AB\0junk!", 8, .ascii, "AB"), ("        ", 8, .ascii, ""),
    ("\0\0", 2, .ascii, ""),
    ("  x ", 4, .ascii, "  x"), ("größe", 7, .utf8, "größe"), ("卷号\0\0", 8, .utf8, "卷号"),
  ])
  func `a string ends with its NUL, its spaces or its length`(
    raw: String, length: Int, encoding: TextEncoding, text: String
  ) {
    var bytes = Array(raw.utf8)
    if bytes.count % 2 == 1 { bytes.append(0) }
    #expect(Self.tag(.string, length: length, encoding: encoding).value(of: bytes) == .string(text))
    let swapped = stride(from: 0, to: bytes.count, by: 2).flatMap { [bytes[$0 + 1], bytes[$0]] }
    let tag = Self.tag(.string, .BA, length: length, encoding: encoding)
    #expect(tag.value(of: swapped) == .string(text))
    #expect(
      tag.registers(showing: .string(text)).map { $0.flatMap { bigEndian($0) } }.map { tag.value(of: $0) }
        == .string(text))
  }

  @Test func `GBK is read and written as the C library has it, and checked`() throws {
    try #require(TextEncoding.gbk.isAvailable)
    let bytes: [UInt8] = [0xB8, 0xD6, 0xBE, 0xED, 0x2D, 0x35, 0x80, 0xA8, 0xA2]  // 钢卷-5€á
    #expect(TextEncoding.gbk.text(of: bytes) == "钢卷-5€á")
    #expect(TextEncoding.gbk.bytes(of: "钢卷-5€á") == bytes)
    #expect(TextEncoding.gbk.bytes(of: "😀") == nil)
    for wrong: [UInt8] in [
      [0xB8], [0x41, 0xB8], [0xB8, 0x20], [0xFF, 0x41], [0x81, 0x7F], [0xB8, 0xFF], [0xAA, 0xA1],
    ] {
      #expect(TextEncoding.gbk.text(of: wrong) == nil, "\(hex(wrong))")
      #expect(
        Self.tag(.string, length: 2, encoding: .gbk).value(of: wrong.count == 2 ? wrong : [0x20, wrong[0]]).isGood
          == false)
    }
  }

  @Test(arguments: [
    (TextEncoding.ascii, [0x41, 0x80]), (.ascii, [0xFF, 0]), (.utf8, [0xC3, 0x28]), (.utf8, [0xE5, 0x8D]),
    (.gbk, [0xB8, 0]),
  ])
  func `bytes of another encoding are bad, with their raw words`(encoding: TextEncoding, raw: [UInt8]) {
    #expect(
      Self.tag(.string, length: 2, encoding: encoding).value(of: raw)
        == .bad(reason: "bytes that are not \(encoding.rawValue)", raw: raw))
  }

  @Test func `a string that does not fit is not written`() {
    let tag = Self.tag(.string, length: 3)
    #expect(tag.width == 2 && tag.range == 0..<2)
    #expect(tag.registers(showing: .string("ABC")) == [0x4142, 0x4300])
    #expect(tag.registers(showing: .string("ABCD")) == nil && tag.registers(showing: .string("ä")) == nil)
    #expect(tag.registers(showing: .string("A ")) == nil && tag.registers(showing: .int(1)) == nil)
  }

  // MARK: Changes

  @Test func `a step of a number that Doubles do not tell apart is a change`() {
    let now = ContinuousClock.now
    let steps: [(Double, UInt64, Bool)] = [(0, 1, true), (0, 0, false), (2, 1, false), (2, 3, true)]
    for (deadband, step, isChange) in steps {
      let tag = ModbusTag(
        name: "t", address: ModbusAddress(table: .holding, number: 0, text: ""), type: .uint64, deadband: deadband)
      for start: UInt64 in [1 << 60, .max - 10] {
        var changes = Changes(ModbusGroup(name: "g", every: .seconds(1), tags: [tag]))
        let first = tag.value(of: bigEndian(start))
        #expect(changes.due([first], at: now) == [0])
        changes.taken([0], of: [first], at: now)
        #expect(changes.due([tag.value(of: bigEndian(start + step))], at: now) == (isChange ? [0] : []))
      }
    }
  }
}
