import Testing

@testable import Devices

/// What an address of a map means, and what may mean more than one.
private let ownName = "the PLC's own name, whose Modbus address its family's map or its programmer knows"

struct ModbusAddressTests {
  @Test(arguments: [
    ("40001", ModbusAddress.Table.holding, 0, ClosedRange<Int>?.none), ("400001", .holding, 0, nil),
    ("465536", .holding, 65535, nil), ("49999", .holding, 9998, nil), ("410000", .holding, 9999, nil),
    ("30011", .input, 10, nil), ("300011", .input, 10, nil), ("10001", .discrete, 0, nil),
    ("165536", .discrete, 65535, nil),
    ("00001", .coil, 0, nil), ("000017", .coil, 16, nil),
    ("4x1", .holding, 0, nil), ("4x00001", .holding, 0, nil), ("4X65536", .holding, 65535, nil),
    ("3x12", .input, 11, nil),
    ("1x000007", .discrete, 6, nil),
    ("HR1", .holding, 0, nil), ("IR1", .input, 0, nil), ("DI16", .discrete, 15, nil), ("CO2", .coil, 1, nil),
    ("C2", .coil, 1, nil), ("hr65536", .holding, 65535, nil),
    ("40020.3", .holding, 19, 3...3), ("40020.10", .holding, 19, 10...10), ("40020.1", .holding, 19, 1...1),
    ("400020.15", .holding, 19, 15...15), ("30020.0", .input, 19, 0...0), ("4x20.3", .holding, 19, 3...3),
    ("HR20.4..7", .holding, 19, 4...7), ("40020.4..7", .holding, 19, 4...7), ("40020.0..15", .holding, 19, 0...15),
    ("40020.10..10", .holding, 19, 10...10),
    ("holding:0", .holding, 0, nil), ("input:0x1F", .input, 31, nil), ("coil:5", .coil, 5, nil),
  ])
  func `what counts from one is one less on the wire`(
    text: String, table: ModbusAddress.Table, number: Int, bits: ClosedRange<Int>?
  ) {
    #expect(
      ModbusAddress(text, notation: .modicon) == ModbusAddress(table: table, number: number, bits: bits, text: text))
  }

  @Test(arguments: [
    ("holding:0", ModbusAddress.Table.holding, 0, ClosedRange<Int>?.none), ("input:10", .input, 10, nil),
    ("coil:65535", .coil, 65535, nil), ("discrete:0x1F", .discrete, 31, nil), ("holding:0xffff", .holding, 65535, nil),
    ("holding:40000", .holding, 40000, nil), ("holding:19.15", .holding, 19, 15...15),
    ("input:19.4..7", .input, 19, 4...7), ("holding:0x1F.4..7", .holding, 31, 4...7),
  ])
  func `zero-based addresses are those on the wire`(
    text: String, table: ModbusAddress.Table, number: Int, bits: ClosedRange<Int>?
  ) {
    #expect(
      ModbusAddress(text, notation: .zeroBased) == ModbusAddress(table: table, number: number, bits: bits, text: text))
  }

  private static func found(_ text: String, _ notation: ModbusAddress.Notation) -> String? {
    do throws(AddressProblem) {
      _ = try ModbusAddress.read(text, as: notation)
      return nil
    } catch {
      return error.found
    }
  }

  @Test(
    arguments: [
      ("4001", "which may be 40001, 44001 (counted from 1) or holding:4001 (counted from 0)"),
      ("41", "which may be 40001, 40041 (counted from 1) or holding:41 (counted from 0)"),
      ("3017", "which may be 30017, 43017 (counted from 1) or holding:3017 (counted from 0)"),
      ("0001", "which may be 00001, 40001 (counted from 1) or holding:1 (counted from 0)"),
      ("100", "which may be 40100 (counted from 1) or holding:100 (counted from 0)"),
      ("2", "which may be 40002 (counted from 1) or holding:2 (counted from 0)"),
      ("0", "which may be holding:0 (counted from 0)"),
      ("20001", "which may be 420001 (counted from 1) or holding:20001 (counted from 0)"),
      ("50001", "which may be 450001 (counted from 1) or holding:50001 (counted from 0)"),
      ("65535", "which may be 465535 (counted from 1) or holding:65535 (counted from 0)"),
      ("65536", "which may be 465536 (counted from 1)"),
      ("0x1F", "which may be 40031 (counted from 1) or holding:31 (counted from 0)"),
      ("0x10", "which may be the coil 00010, 40016 (counted from 1) or holding:16 (counted from 0)"),
      ("0x00001", "which may be the coil 00001, 40001 (counted from 1) or holding:1 (counted from 0)"), ("0x", nil),
      ("HR0", "which counted from 1 is none, and counted from 0 is 40001 or holding:0"),
      ("IR0", "which counted from 1 is none, and counted from 0 is 30001 or input:0"),
      ("4x0", "which counted from 1 is none, and counted from 0 is 40001 or holding:0"),
      ("40000", "which counted from 1 is none, and counted from 0 is 40001 or holding:0"),
      ("400000", "which counted from 1 is none, and counted from 0 is 40001 or holding:0"),
      ("00000", "which counted from 1 is none, and counted from 0 is 00001 or coil:0"),
      ("465537", "beyond the 65536th of its table"), ("HR65537", "beyond the 65536th of its table"),
      ("40001.16", "whose bits are not 0 to 15"), ("40001.", "whose bits are not 0 to 15"),
      ("40001.-1", "whose bits are not 0 to 15"), ("40001.1.1", "whose bits are not 0 to 15"),
      ("40001.0..16", "whose bits are not 0 to 15"), ("40001.1..2..3", "whose bits are not 0 to 15"),
      ("40001.7..4", "whose bits do not begin with the lower one"),
      ("00001.0", "a bit of a coil"), ("10001.0", "a bit of a discrete input"), ("coil:1.0", "a bit of a coil"),
      ("holding:65536", "beyond 65535"), ("holdng:1", "whose table is none"), ("Holding:1", "whose table is none"),
      ("", nil), ("4000001", nil), ("4 001", nil), ("+40001", nil), ("٤٠٠٠١", nil), ("holding:", nil),
      ("holding:-1", nil), ("holding:0x", nil), ("holding:0x10000", nil), ("holding:1:2", nil), ("HR", nil),
      ("HRF1", nil), ("40001-40002", nil),
      ("D100", ownName), ("%MW100", ownName), ("DB10.DBW4", ownName), ("QW0", ownName), ("I0.3", ownName),
    ] as [(String, String?)])
  func `an address that may be meant in more than one way is refused with its readings`(text: String, why: String?) {
    #expect(Self.found(text, .modicon) == "\"\(text)\"" + (why.map { ", " + $0 } ?? ""))
  }

  @Test(arguments: [
    ("40001", "which counted from 1 is holding:0, and counted from 0 is holding:40001"),
    ("30011", "which counted from 1 is input:10, and counted from 0 is input:30011"),
    ("00017", "which counted from 1 is coil:16, and counted from 0 is coil:17"),
    ("400001", "which counted from 1 is holding:0, and counted from 0 is holding:1"),
    ("4x1", "which counted from 1 is holding:0, and counted from 0 is holding:1"),
    ("HR1", "which counted from 1 is holding:0, and counted from 0 is holding:1"),
    ("100", "which may be 40100 (counted from 1) or holding:100 (counted from 0)"),
  ])
  func `a map that counts from 0 takes nothing that counts from 1`(text: String, why: String) {
    #expect(Self.found(text, .zeroBased) == "\"\(text)\", \(why)")
  }

  @Test func `every number of every table is understood in every form`() {
    for table in ModbusAddress.Table.allCases {
      let digit = ["coil": "0", "discrete": "1", "input": "3", "holding": "4"][table.rawValue] ?? ""
      let letters = ["coil": "CO", "discrete": "DI", "input": "IR", "holding": "HR"][table.rawValue] ?? ""
      for number in stride(from: 0, through: 65535, by: 97) {
        let counted = String(number + 1)
        var forms = [
          letters + counted, "\(table.rawValue):\(number)", "\(table.rawValue):0x\(String(number, radix: 16))",
        ]
        forms.append(digit + String(repeating: "0", count: 5 - counted.count) + counted)
        if counted.count <= 4 { forms.append(digit + String(repeating: "0", count: 4 - counted.count) + counted) }
        if table != .coil { forms.append(digit + "x" + counted) }
        for form in forms {
          let address = ModbusAddress(form, notation: .modicon)
          #expect(address?.table == table && address?.number == number, "\(form)")
        }
      }
    }
  }
}
