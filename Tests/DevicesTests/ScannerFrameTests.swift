import Events
import Testing

@testable import Devices

@Suite struct ScannerFrameTests {
  private func moment(_ milliseconds: Int) -> Moment {
    Moment(
      time: Timestamp(microseconds: Int64(milliseconds) * 1000), boottimeNanoseconds: UInt64(milliseconds) * 1_000_000)
  }

  /// Feeds `bytes`, one a millisecond, and gives what frames come.
  private func frames(_ rule: FrameRule, _ text: String, into reader: inout FrameReader) -> [FrameReader.Frame] {
    text.utf8.enumerated().flatMap { reader.take($0.element, at: moment($0.offset + 1)) }
  }

  private func frames(_ rule: FrameRule, _ text: String) -> [String] {
    var reader = FrameReader(rule)
    return frames(rule, text, into: &reader).map { escaped($0.raw) + ($0.damage.map { " <- \($0)" } ?? "") }
  }

  private let toCR = FrameRule(end: [0x0D])
  private let toCRLF = FrameRule(end: [0x0D, 0x0A])
  private let framed = FrameRule(start: [0x02], end: [0x03])

  @Test func `a frame keeps its delimiters and the moment of its last byte`() {
    var reader = FrameReader(framed)
    let found = frames(framed, "\u{02}SN1\u{03}", into: &reader)
    #expect(found == [FrameReader.Frame(raw: [2, 0x53, 0x4E, 0x31, 3], moment: moment(5), damage: nil)])
    #expect(framed.payload(of: found[0].raw) == Array("SN1".utf8))
  }

  @Test func `two frames in one read are two frames`() {
    #expect(frames(toCR, "A\rB\r") == ["A\\r", "B\\r"])
    #expect(frames(toCRLF, "A\r\nB\rC\r\n") == ["A\\r\\n", "B\\rC\\r\\n"])
    #expect(frames(framed, "\u{02}A\u{03}\u{02}B\u{03}") == ["\\x02A\\x03", "\\x02B\\x03"])
  }

  @Test func `empty frames are passed over and counted`() {
    var reader = FrameReader(toCR)
    #expect(frames(toCR, "\r\r\rA\r\r", into: &reader).map { escaped($0.raw) } == ["A\\r"])
    #expect(reader.emptyFrames == 4)
    var other = FrameReader(framed)
    #expect(frames(framed, "\u{02}\u{03}", into: &other).isEmpty)
    #expect(other.emptyFrames == 1)
  }

  @Test func `one byte may be start and end`() {
    let rule = FrameRule(start: [0x2A], end: [0x2A])
    #expect(frames(rule, "*A**B*") == ["*A*", "*B*"])
  }

  @Test func `a start within a frame ends it as damaged and begins the next`() {
    #expect(
      frames(framed, "\u{02}AB\u{02}CD\u{03}") == [
        "\\x02AB <- a frame without its end: a new start came", "\\x02CD\\x03",
      ])
  }

  @Test func `bytes without a start are kept as damaged`() {
    #expect(
      frames(framed, "xy\u{02}A\u{03}B\u{03}") == [
        "xy <- bytes without a start before a frame", "\\x02A\\x03", "B\\x03 <- a frame without its start",
      ])
  }

  @Test func `a frame that is too long is kept up to the cap once and the next one is whole`() {
    let rule = FrameRule(end: [0x0D], maxLength: 4)
    #expect(
      frames(rule, "ABC\rABCD\rABCDEFGH\rX\r") == [
        "ABC\\r", "ABCD <- a frame longer than 4 bytes: 1 bytes were not kept",
        "ABCD <- a frame longer than 4 bytes: 5 bytes were not kept", "X\\r",
      ])
  }

  @Test func `an end that is split by the cap is still seen`() {
    let rule = FrameRule(end: [0x0D, 0x0A], maxLength: 4)
    #expect(
      frames(rule, "ABC\r\nX\r\n") == ["ABC\\r <- a frame longer than 4 bytes: 1 bytes were not kept", "X\\r\\n"])
  }

  @Test func `a start ends a frame that is too long`() {
    let rule = FrameRule(start: [0x02], end: [0x03], maxLength: 4)
    #expect(
      frames(rule, "\u{02}ABCDEF\u{02}X\u{03}") == [
        "\\x02ABC <- a frame longer than 4 bytes: 3 bytes were not kept", "\\x02X\\x03",
      ])
  }

  @Test func `a stream without end gives one damaged frame and is counted`() {
    var reader = FrameReader(toCR)
    var found: [FrameReader.Frame] = []
    for _ in 0..<300_000 { found += reader.take(0x41, at: moment(1)) }
    #expect(found.count == 1)
    #expect(found[0].raw.count == 4096)
    #expect(
      found[0].damage == "a frame longer than 4096 bytes: 65536 bytes were not kept, and no end is in sight")
    #expect(reader.droppedBytes == 300_000 - 4096)
    #expect(reader.take(0x0D, at: moment(2)).isEmpty)
    #expect(frames(toCR, "B\r", into: &reader).map { escaped($0.raw) } == ["B\\r"])
  }

  @Test func `an unfinished frame is damaged after its idle time and never joined with the next`() {
    var reader = FrameReader(toCR)
    #expect(reader.deadline == nil)
    #expect(frames(toCR, "OP-12", into: &reader).isEmpty)
    #expect(reader.deadline == moment(5 + 500).boottimeNanoseconds)
    let partial = reader.end(because: "nothing came for 500ms")
    #expect(partial?.raw == Array("OP-12".utf8))
    #expect(partial?.moment == moment(5))
    #expect(partial?.damage == "a frame without its end: nothing came for 500ms")
    #expect(reader.deadline == nil)
    #expect(reader.end(because: "again") == nil)
    #expect(frames(toCR, "34\r", into: &reader).map { escaped($0.raw) } == ["34\\r"])
  }

  @Test func `a frame that is too long ends with its idle time too`() {
    let rule = FrameRule(end: [0x0D], maxLength: 4)
    var reader = FrameReader(rule)
    #expect(frames(rule, "ABCDEF", into: &reader).isEmpty)
    #expect(reader.deadline != nil)
    #expect(
      reader.end(because: "nothing came for 500ms")?.damage
        == "a frame longer than 4 bytes: 2 bytes were not kept; nothing came for 500ms")
    #expect(frames(rule, "X\r", into: &reader).map { escaped($0.raw) } == ["X\\r"])
  }

  @Test func `a lone line feed tells what the map should say`() {
    var reader = FrameReader(toCR)
    #expect(frames(toCR, "A\r\n", into: &reader).count == 1)
    #expect(
      reader.end(because: "nothing came for 500ms")?.damage
        == "a frame without its end: nothing came for 500ms; a scanner that ends its codes with \\r\\n needs "
        + "frame: { end: \"\\r\\n\" } in its map")
  }

  @Test func `whatever comes, every byte is in a frame, dropped, or in an empty one`() {
    var random = Seeded(seed: 1124)
    for _ in 0..<300 {
      let rule = FrameRule(
        start: Bool.random(using: &random) ? [0x02] : [], end: Bool.random(using: &random) ? [0x03] : [0x03, 0x0A],
        maxLength: Int.random(in: 4...12, using: &random))
      var reader = FrameReader(rule)
      let bytes = (0..<200).map { _ in [0x02, 0x03, 0x0A, 0x41, 0xFF].randomElement(using: &random)! as UInt8 }
      var found = bytes.flatMap { reader.take($0, at: moment(1)) }
      if let last = reader.end(because: "the test is over") { found.append(last) }
      let kept = found.reduce(0) { $0 + $1.raw.count } + Int(reader.droppedBytes)
      // An empty frame may lack its start.
      let empty = Int(reader.emptyFrames)
      let least = kept + empty * rule.end.count
      let most = kept + empty * (rule.start.count + rule.end.count)
      #expect((least...most).contains(bytes.count), "\(rule) \(escaped(bytes))")
      #expect(found.allSatisfy { $0.raw.count <= rule.maxLength })
    }
  }

  @Test func `marks of parity errors are taken apart, also where a read splits them`() {
    var marks = ParityMarks(isMarked: true)
    var received = marks.decode([0x41, 0xFF, 0xFF, 0xFF])
    received += marks.decode([0x00])
    received += marks.decode([0x42, 0x43, 0xFF, 0x00, 0x00, 0xFF, 0x31])
    #expect(received.map(\.byte) == [0x41, 0xFF, 0x42, 0x43, 0x00, 0xFF, 0x31])
    #expect(received.map(\.isDamaged) == [false, false, true, false, true, true, true])
    var plain = ParityMarks(isMarked: false)
    #expect(plain.decode([0xFF, 0x00, 0x42]).map(\.byte) == [0xFF, 0x00, 0x42])
  }

  @Test func `a frame with a parity error is damaged and keeps its bytes`() {
    var reader = FrameReader(toCR)
    _ = reader.take(0x41, isDamaged: true, at: moment(1))
    let found = reader.take(0x0D, at: moment(2))
    #expect(found.map(\.raw) == [[0x41, 0x0D]])
    #expect(found.map(\.damage) == ["a parity or framing error in 1 of its bytes"])
    #expect(frames(toCR, "B\r", into: &reader).map(\.damage) == [nil])
  }
}
