import Devices
import Events
import Machine
import TestParts
import Testing

@testable import lotline

@Suite(.timeLimit(minutes: 5))
struct ScanTests {
  /// Plays a device that has `readable` addresses and refuses each request that touches another.
  private static func searched(_ addresses: Range<Int>, most: Int, readable: Set<Int>) -> (RangeSearch, requests: Int) {
    var search = RangeSearch(addresses, most: most)
    var requests = 0
    while let range = search.next {
      requests += 1
      search.found(readable: range.allSatisfy { readable.contains($0) })
    }
    return (search, requests)
  }

  @Test func `whatever a device has, exactly that is found, with no more requests than were announced`() {
    var numbers = SeededNumbers(seed: 4)
    for _ in 0..<200 {
      let count = Int.random(in: 1...400, using: &numbers)
      let start = Int.random(in: 0...1000, using: &numbers)
      let addresses = start..<(start + count)
      let holes = Int.random(in: 0...6, using: &numbers)
      var readable = Set(addresses)
      for _ in 0..<holes {
        let low = Int.random(in: addresses, using: &numbers)
        readable.subtract(low..<min(addresses.upperBound, low + Int.random(in: 1...80, using: &numbers)))
      }
      let most = Int.random(in: 1...125, using: &numbers)
      let (search, requests) = Self.searched(addresses, most: most, readable: readable)
      #expect(Set(search.readable.flatMap { Array($0) }) == readable)
      #expect(zip(search.readable, search.readable.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
      #expect(requests <= RangeSearch.mostRequests(addresses, most: most))
    }
  }

  @Test func `a range is written as maps have it`() {
    #expect(ScanResult.text(0..<100, of: .holding, .modicon) == "\"40001..40100\"")
    #expect(ScanResult.text(9990..<10_000, of: .input, .modicon) == "\"309991..310000\"")
    #expect(ScanResult.text(0..<8, of: .coil, .modicon) == "\"00001..00008\"")
    #expect(ScanResult.text(3..<4, of: .discrete, .zeroBased) == "\"discrete:3..3\"")
  }

  @Test func `a device is scanned as it was said, and what it has is given for a map`() async throws {
    let folder = try ScratchFolder()
    let server = try await ModbusServer(count: 130)
    let told = try await Program.run(
      ["scan", "127.0.0.1:\(server.port)", "--tables", "holding,coil", "--pause", "0ms", "--json"], in: folder)
    #expect(told.status == 0, "\(told.messages)")
    #expect(told.messages.contains("reading only, one request at a time"))
    let json = try #require(JSON(Array(told.output.utf8)))
    #expect(json["answering"]?.items == [.int(1)])
    let unit = try #require(json["units"]?.items?.first)
    #expect(unit["map"]?.text == "readable: [\"40001..40130\", \"00001..00130\"]")
    await server.stop()
  }

  @Test func `a device that ignores unit ids is looked at once`() async throws {
    let folder = try ScratchFolder()
    let server = try await ModbusServer(count: 100)
    let told = try await Program.run(
      [
        "scan", "127.0.0.1:\(server.port)", "--units", "1..6", "--tables", "input", "--addresses", "0..99", "--pause",
        "0ms",
      ], in: folder)
    #expect(told.status == 0 && told.output.contains("answering: unit 1, 2, 3, 4, 5, 6"))
    #expect(told.messages.contains("every unit id answers"))
    #expect(told.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    await server.stop()
    let gone = try await Program.run(["scan", "127.0.0.1:\(server.port)"], in: folder)
    #expect(gone.status == 1 && gone.messages.contains("no connection"))
  }

  @Test(arguments: [
    ["--units", "0..256"], ["--tables", "holdings"], ["--addresses", "9..1"], ["--notation", "hex"],
  ])
  func `a slip on the command line is a usage error of one line`(options: [String]) async throws {
    let told = try await Program.run(["scan", "127.0.0.1"] + options, in: try ScratchFolder())
    #expect(told.status == 64 && told.messages.split(separator: "\n").count == 1, "\(told.messages)")
  }

  @Test func `a port that cannot be opened ends the scan at once, in one line`() async throws {
    let folder = try ScratchFolder()
    let closed = try ReservedPort()
    for way in [["127.0.0.1:\(closed.port)"], ["--serial", folder.file("ttyUSB9")]] {
      let told = try await Program.run(["scan"] + way + ["--units", "1..30", "--pause", "1s"], in: folder)
      #expect(told.status == 1 && told.output.isEmpty, "\(told.output)")
      let lines = told.messages.split(separator: "\n").drop { !$0.contains("Ctrl-C ends it") }.dropFirst()
      #expect(lines.count == 1 && lines.first?.contains(way[way.count - 1]) == true, "\(told.messages)")
    }
  }

  @Test(.enabled(if: Program.hasPython, "needs .parts/venv with pymodbus: make test makes it"))
  func `the units behind a gateway are found, and the values of one`() async throws {
    let folder = try ScratchFolder()
    let (plc, hello) = try await ForeignPLC.started(.rtu, on: nil, in: folder)
    let way = ["127.0.0.1:\(try #require(hello["port"]?.whole))", "--framing", "rtu", "--timeout", "300ms"]
    func run(_ command: String, _ rest: [String]) async throws -> (status: Int32, output: String, messages: String) {
      try await Program.run([command] + way.prefix(1) + rest + way.dropFirst(), in: folder)
    }
    let scan = try await run("scan", ["--units", "6..9", "--tables", "holding", "--addresses", "0..3"])
    #expect(scan.status == 0 && scan.output.contains("answering: unit 7, 8\n"), "\(scan)")
    #expect(scan.output.contains("readable: [\"40001..40004\"]"), "\(scan.output)")
    let decode = try await run("decode", ["40002", "1", "--unit", "8", "--expect", "109"])
    #expect(decode.status == 0 && decode.output.contains("at: 40002, type: uint16"), "\(decode)")
    let dead = try await run("decode", ["40002", "1", "--unit", "9"])
    #expect(dead.status == 1 && dead.messages.contains("no answer within 300ms"), "\(dead)")
    try plc.say("stop")
    #expect(try await plc.ended() == 0)
  }

  @Test(.enabled(if: JoinedPorts.isPossible, "needs socat: make test installs it"))
  func `a unit on a serial line is found, its ranges and the values there`() async throws {
    let folder = try ScratchFolder()
    let ports = try await JoinedPorts(in: folder)
    let line = try SerialLine.parsed("19200 8N1")
    let server = try await ModbusServer(serial: ports.theirs, line: line, unit: 3, count: 40)
    server.write(.holding, 4, 0x0000, 0x4248)
    let way = ["--serial", ports.ours, "--line", "19200 8N1"]
    let scan = try await Program.run(
      ["scan"] + way + ["--units", "3", "--tables", "holding", "--addresses", "0..59"],
      in: folder)
    #expect(scan.status == 0 && scan.output.contains("answering: unit 3"), "\(scan.messages)")
    #expect(scan.output.contains("readable: [\"40001..40040\"]"), "\(scan.output)")
    let decode = try await Program.run(
      ["decode"] + way + ["40005", "2", "--unit", "3", "--expect", "50.0"], in: folder)
    #expect(decode.status == 0 && decode.output.contains("at: 40005, type: float32, word-order: CDAB"))
    let all = try await Program.run(["scan"] + way + ["--units", "0..3"], in: folder)
    #expect(all.status == 64 && all.messages.contains("1 to 247"), "\(all.messages)")
    await server.stop()
    try await ports.end()
  }
}
