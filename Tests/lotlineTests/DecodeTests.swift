import Devices
import Events
import TestParts
import Testing

@testable import lotline

@Suite(.timeLimit(minutes: 5))
struct DecodeTests {
  @Test func `a device's block is decoded, and the line for its map reads the same value back`() async throws {
    let folder = try ScratchFolder()
    let server = try await ModbusServer()
    server.write(.holding, 101, 0x0000, 0x4248)
    let arguments = ["decode", "127.0.0.1:\(server.port)", "40101", "4", "--expect", "50.0", "±0.5"]
    let told = try await Program.run(arguments, in: folder)
    #expect(told.status == 0, "\(told.messages)")
    #expect(told.output.contains("*50.0"))
    let line = "name: { at: 40102, type: float32, word-order: CDAB }"
    #expect(told.output.contains(line))
    try folder.write("devices/one.yaml", "kind: modbus\ngroups: { g: { tags: { \(line) } } }\n")
    try folder.write(
      "edge.yaml",
      "source: pc1\nstations: { S: { devices: { d: { map: one, address: \"127.0.0.1:\(server.port)\" } } } }\n")
    let read = try await Program.run(["read", "d", "--json", "--config", folder.file("edge.yaml")], in: folder)
    #expect(JSON(Array(read.output.utf8))?["tags"]?.items?.first?["value"]?.number == 50, "\(read.messages)")
    await server.stop()
  }

  @Test func `what does not match, or cannot be read, is told by the exit status`() async throws {
    let folder = try ScratchFolder()
    let none = try await Program.run(["decode", "--words", "4248,0000", "--expect", "51.0"], in: folder)
    #expect(none.status == 1 && none.output.contains("50.0") && !none.output.contains("*"))
    #expect(none.messages.contains("nothing here shows 51") && none.messages.contains("the nearest is 50: "))
    let near = try await Program.run(["decode", "--words", "ff29,0000", "--expect", "-21.7"], in: folder)
    #expect(near.status == 1 && near.messages.contains("type: int16, scale: 0.1"), "\(near.messages)")
    let server = try await ModbusServer(count: 10)
    let refused = try await Program.run(["decode", "127.0.0.1:\(server.port)", "40010", "4"], in: folder)
    #expect(refused.status == 1 && refused.messages.contains("exception 2"))
    await server.stop()
    let gone = try await Program.run(["decode", "127.0.0.1:\(server.port)", "40010", "4"], in: folder)
    #expect(gone.status == 1 && gone.messages.contains("no connection"))
  }

  @Test(arguments: [
    ["decode", "127.0.0.1", "100", "4"], ["decode", "127.0.0.1", "40001"], ["decode", "127.0.0.1", "40001", "126"],
    ["decode", "--words", "zz"], ["decode", "--words", "1", "--expect", "fifty"], ["decode", "--words", "1", "±0.5"],
    ["decode", "a b", "40001", "1"], ["decode", "127.0.0.1", "40001", "4", "--port", "1502"],
  ])
  func `a slip on the command line is a usage error of one line`(arguments: [String]) async throws {
    let told = try await Program.run(arguments, in: try ScratchFolder())
    #expect(told.status == 64 && told.output.isEmpty)
    #expect(told.messages.split(separator: "\n").count == 1, "\(told.messages)")
    #expect(told.messages.contains("Usage: lotline decode"), "\(told.messages)")
  }

  @Test func `who gives the port as an option is shown that it goes behind its host`() async throws {
    let told = try await Program.run(
      ["decode", "127.0.0.1", "40001", "4", "--port", "1502"], in: try ScratchFolder())
    #expect(told.status == 64 && told.messages.contains("such as 192.168.10.21:502 40101 4"), "\(told.messages)")
  }

  @Test func `whole numbers are tried with a scale`() throws {
    let address = try #require(ModbusAddress.readings(of: "holding:7").first)
    let block = Block(address: address.address, notation: address.notation, data: .words([215]))
    let number = try #require(DecimalNumber("21.5"))
    let view = BlockView(block: block, expectation: Expectation(number: number, tolerance: 0.05))
    let json = try #require(JSON(view.json))
    #expect(
      json["map"]?.items?.compactMap(\.text).contains("name: { at: \"holding:7\", type: uint16, scale: 0.1 }") == true)
  }

  @Test func `a table fits into 80 columns whatever is in it`() {
    var table = Table("DEVICE", "REASON", "TAGS")
    table.add("press-1", String(repeating: "no answer within 1s ", count: 8), String(repeating: "x", count: 90))
    let lines = table.lines(width: 80)
    #expect(lines.allSatisfy { $0.count <= 80 } && lines.count > 3)
    #expect(lines.joined().filter { $0 == "x" }.count == 90)
    #expect(table.lines.count == 2)
  }
}
