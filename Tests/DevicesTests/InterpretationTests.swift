import Devices
import Events
import Testing

@Suite struct InterpretationTests {
  private static let expected = DecimalNumber("50.0") ?? .zero

  @Test func `a float in any order is found as that type and order, and nowhere else`() throws {
    for (words, order) in [
      ([0x4248, 0x0000], WordOrder.ABCD), ([0x0000, 0x4248], .CDAB), ([0x4842, 0x0000], .BADC),
      ([0x0000, 0x4842], .DCBA),
    ] as [([UInt16], WordOrder)] {
      let found = Interpretation.all(of: [0xFFFF] + words).filter { $0.shows(Self.expected, within: 0.05) }
      #expect(found.map(\.order) == [order] && found.map(\.type) == [.float32] && found.map(\.place) == [1])
    }
  }

  @Test func `every type is tried at every place where it has room`() {
    let all = Interpretation.all(of: [1, 2, 3])
    for type in ValueType.allCases where ![.bool, .bits, .string].contains(type) {
      let places = max(0, 3 - type.width + 1)
      let orders = WordOrder.choices(width: type.width).count
      #expect(all.count { $0.type == type } == places * orders, "\(type)")
    }
  }

  @Test func `a tolerance is met at its edge, and not beyond`() throws {
    let found = try #require(Interpretation.all(of: [501]).first { $0.type == .uint16 && $0.order == .AB })
    let tenth = try #require(DecimalNumber("0.1"))
    #expect(found.shows(Self.expected, within: 0.1, scale: tenth))
    #expect(!found.shows(Self.expected, within: 0.09, scale: tenth))
  }

  @Test func `an address is counted on in the way it is written`() throws {
    for (text, distance, expected) in [
      ("40009", 1, "40010"), ("400009", 1, "400010"), ("holding:9", 2, "holding:11"),
      ("holding:0x1F", 1, "holding:0x20"),
      ("holding:0x19", 1, "holding:0x1A"), ("49999", 1, "holding:9999"), ("30001", 99, "30100"),
    ] {
      let reading = try #require(ModbusAddress.readings(of: text).first)
      let next = reading.address.further(by: distance, notation: reading.notation)
      #expect(next.text == expected && next.number == reading.address.number + distance)
      #expect(next.table == reading.address.table)
    }
  }

  @Test func `a bare number is no address`() {
    for text in ["100", "0", "", "holding", "70001", "holding:70000"] {
      #expect(ModbusAddress.readings(of: text).isEmpty, "\(text)")
    }
  }
}
