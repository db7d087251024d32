import Events
import Testing

@Suite struct `One event is always the same bytes` {
  let source = SourceName("plant1.line3.pc1")!
  let incarnation = Incarnation("5f0c0000000000000000000000000ace")!
  let moment = Moment(time: Timestamp("2026-11-23T08:31:02.123456Z")!, boottimeNanoseconds: 81_234_567_890_123)

  @Test func `the line of a cycle is the contract's, byte for byte`() {
    let stamp = Stamp(
      station: "ST10",
      fields: [
        .init(name: "operator", value: "E1023", by: .sequence(901)),
        .init(name: "lot", value: "L2311", by: .sequence(1042)),
        .init(name: "product", value: "P9", by: nil),
        .init(name: "materials.coil", value: "C-55", by: .sequence(998)),
      ])
    let data = CycleData(
      device: "press-1", trigger: 17, after: Timestamp("2026-11-23T08:31:02.023456Z"),
      tags: [Tag("peak-force", .double(101.5)), Tag("verdict", .string("pass"))], result: "pass", stamp: stamp)
    let line = Event(data, at: moment, subject: "ST10").line(source: source, incarnation: incarnation, sequence: 1047)
    #expect(
      String(decoding: line, as: UTF8.self)
        == #"{"specversion":"1.0","id":"5f0c0000000000000000000000000ace:1047","source":"plant1.line3.pc1","#
        + #""type":"lotline.cycle","time":"2026-11-23T08:31:02.123456Z","subject":"ST10","boottime":"81234567890123","#
        + #""data":{"device":"press-1","trigger":17,"after":"2026-11-23T08:31:02.023456Z","tags":{"peak-force":101.5,"#
        + #""verdict":"pass"},"result":"pass","stamp":{"station":"ST10","operator":"E1023","lot":"L2311","#
        + #""product":"P9","materials":{"coil":"C-55"},"by":{"operator":901,"lot":1042,"materials.coil":998}}}}"#)
  }

  @Test func `when a reading and a cycle were asked for stands before their tags`() {
    let asked = Timestamp("2026-11-23T08:31:02.023456Z")
    let cycle = CycleData(device: "press-1", trigger: 17, after: asked, asked: asked, tags: [Tag("a", .int(1))])
    var writer = JSONWriter()
    writer.object { cycle.write(to: &$0) }
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == #"{"device":"press-1","trigger":17,"#
        + #""after":"2026-11-23T08:31:02.023456Z","asked":"2026-11-23T08:31:02.023456Z","tags":{"a":1}}"#)
    let reading = ReadingData(device: "press-1", group: "g", asked: asked, tags: [Tag("a", .int(1))], stamp: nil)
    writer = JSONWriter()
    writer.object { reading.write(to: &$0) }
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"device":"press-1","group":"g","asked":"2026-11-23T08:31:02.023456Z","tags":{"a":1}}"#)
  }

  @Test(arguments: samples) func `what is written is read back the same`(_ data: any EventData) throws {
    try check(data)
  }

  func check(_ data: some EventData) throws {
    let line = Event(data, at: moment, subject: "ST 10 \"ü\"").line(
      source: source, incarnation: incarnation, sequence: 9)
    let envelope = try Envelope(line: line)
    #expect(envelope.id == EventID(incarnation: incarnation, sequence: 9))
    #expect(envelope.source == source)
    #expect(envelope.type == data.type.rawValue)
    #expect(envelope.time == moment.time)
    #expect(envelope.subject == "ST 10 \"ü\"")
    #expect(envelope.boottimeNanoseconds == moment.boottimeNanoseconds)
    let json = try #require(JSON(line[envelope.data]))
    #expect(type(of: data).init(json) == data)
  }
}

private let time = Timestamp(microseconds: 1_700_000_000_123_456)
private let other = EventID("00000000000000000000000000000001:7")!
private let fullStamp = Stamp(
  station: "ST20",
  fields: [
    .init(name: "unit", value: "gtin:0950~SN\u{7F}é", by: .sequence(3)),
    .init(name: "carrier", value: "T1", by: .event(other)),
    .init(name: "materials.feeder-12", value: "R\"9\\", by: .sequence(2)),
  ])
private let samples: [any EventData] = [
  StartedData(
    boot: "b", version: "1", host: "pc", clockSynchronised: true, clockErrorSeconds: 0.25,
    previous: .init(incarnation: other.incarnation, through: 3, head: .zero, why: "damaged"), alive: time),
  StoppedData(why: "SIGTERM"),
  ConfigData(file: "edge.yaml", text: "source: a\n\t# ünï\r\n"),
  ClockData(from: time, to: Timestamp(microseconds: 5), synchronised: false, errorSeconds: 16),
  DeviceData(device: "gun-1", state: .offline, reason: "unplugged"),
  ReadingData(
    device: "press-1", group: "process",
    tags: [
      Tag("a", .int(-9_007_199_254_740_993)), Tag("b", .double(-0.1)), Tag("c", .bool(false)), Tag("d", .string("")),
      Tag("e", .bad(reason: "timeout", raw: [])), Tag("f", .bad(reason: "nan", raw: [0x7F, 0xC0, 0, 0])),
      Tag("g", .double(1e-05)), Tag("h", .double(1e300)),
    ], stamp: fullStamp),
  ScanData(
    device: "gun-1", raw: [0, 0x1D, 0xFF, 0x0D], text: nil, roles: [.init("materials.coil", "C-1")],
    problem: "not UTF-8", stamp: fullStamp),
  ScanData(
    device: "gun-1", raw: [0x31], text: "1", symbology: "]d2",
    elements: [
      .init(kind: "ai", identifier: "10", value: "L\u{1D}"), .init(kind: "di", identifier: "1T", value: ""),
      .init(kind: "tei", identifier: "SER", value: "1"),
    ]),
  ContextData(station: "ST10", field: "unit", from: "SN1", to: nil, how: .read, by: .sequence(4)),
  CycleData(
    device: "d", trigger: 65535, after: nil, asked: time, began: time, tags: [], result: "fail", mode: "rework",
    outside: ["x"],
    components: [.init(kind: "lot", id: "B", place: "left", by: .sequence(1))], unsure: [.init("lot", "L1")],
    broken: ["r"], stamp: fullStamp),
  GapData(kind: .missedCycles, device: "d", station: "ST10", from: time, to: time, count: 3, reason: "jump"),
]
