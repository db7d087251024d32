import Events
import TestParts
import Testing

@testable import Store

/// Bytes that are no text, and characters that a C library would take for the end of one.
@Suite(.timeLimit(minutes: 5))
struct TextTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test(.serialized, arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]])
  func `a line that is not UTF-8 is refused by its number, and the rest is as it was`(_ bytes: [UInt8]) async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 7)
    edge.add(StoppedData(why: "good"), subject: "ST10")
    edge.add(StoppedData(why: "@@"), subject: "ST10")
    _ = try await store.take(edge.batch(1...1), from: edge.source)
    var broken = FakeEdge(seed: 7)
    broken.add(line: edge.lines[0])
    var line = edge.lines[1]
    let at = try #require(line.firstRange(of: Array("@@".utf8)))
    line.replaceSubrange(at, with: bytes)
    broken.add(line: line)
    let fault = await #expect(throws: BatchFault.self) { try await store.take(broken.batch(2...2), from: edge.source) }
    #expect(fault == .notUTF8(2) && fault?.description.contains("event 2") == true)
    #expect(try await store.events(EventFilter()).items == [edge.lines[0]])
    #expect(try await store.take(edge.batch(2...2), from: edge.source).receipt.receivedThrough == 2)
  }

  @Test(arguments: [#""command""#, #""\u0063ommand""#, #""c\u006fmmand""#])
  func `a command is one however its name is written`(_ name: String) async throws {
    let store = try await openStore(folder)
    var said = FakeEdge(seed: 7)
    let unit = said.set("unit", "SN1", at: "ST10")
    said.cycle(at: "ST10", ["unit": ("SN1", unit)])
    said.add(
      ScanData(
        device: "gun-ST10", raw: [0x31], text: "1", roles: [.init("command", "SCRAP")],
        stamp: Stamp(station: "ST10", fields: [.init(name: "unit", value: "SN1", by: nil)])), subject: "ST10")
    var edge = FakeEdge(seed: 7)
    for line in said.lines {
      edge.add(line: Array(String(decoding: line, as: UTF8.self).replacing(#""command""#, with: name).utf8))
    }
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.unit("SN1").record?.state == "scrapped")
  }

  @Test func `an identifier with a NUL is another one than what stands before the NUL, everywhere`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 7)
    let coil = edge.set("materials.coil", "C\u{0}1", at: "ST10")
    for id in ["SN1", "SN1\u{0}A", "SN1\u{0}B", "SN1\u{1}"] {
      let unit = edge.set("unit", id, at: "ST10")
      edge.cycle(at: "ST10", ["unit": (id, unit), "materials.coil": ("C\u{0}1", coil)])
    }
    edge.add(StoppedData(why: "no station"), subject: "ST10\u{0}X")
    _ = try await store.take(edge.batch(), from: edge.source)
    for id in ["SN1", "SN1\u{0}A", "SN1%00A", "SN1\u{0}B", "SN1\u{1}"] {
      let record = try #require(try await store.unit(id).record, "\(id.debugDescription)")
      #expect(record.unit == id.replacing("\u{0}", with: "%00") && record.cycles.count == 1)
      #expect(record.links.filter { $0.role == "coil" }.map(\.node.id) == ["C%001"])
    }
    #expect(try await store.search("SN1\u{0}").items.map(\.id).sorted() == ["SN1%00A", "SN1%00B"])
    #expect(try await store.search("SN1").items.count == 4)
    #expect(try await store.lot("C\u{0}1").record?.consumedUnits == 4)
    #expect(try await store.lot("C").record == nil)
    #expect(try await store.events(EventFilter(station: "ST10\u{0}X")).items == [edge.lines[Int(edge.last) - 1]])
    #expect(try await !store.events(EventFilter(station: "ST10"), limit: 500).items.contains(edge.lines.last ?? []))
    let live = try await store.dump()
    try await store.rebuild()
    #expect(try await store.dump() == live)
  }
}
