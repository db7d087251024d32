import Events
import Testing

@testable import Devices

/// Frames of all forms, and that nothing depends on how reads cut the bytes.
@Suite struct ScannerFormTests {
  private func moment(_ milliseconds: Int) -> Moment {
    Moment(
      time: Timestamp(microseconds: Int64(milliseconds) * 1000), boottimeNanoseconds: UInt64(milliseconds) * 1_000_000)
  }

  /// Feeds bytes that come at once; `~` is a pause of a second.
  private func frames(_ rule: FrameRule, _ text: String) -> [String] {
    var reader = FrameReader(rule)
    return frames(&reader, text).map { escaped($0.raw) + ($0.damage.map { " <- \($0)" } ?? "") }
  }

  private func frames(_ reader: inout FrameReader, _ text: String) -> [FrameReader.Frame] {
    var now = 1000
    var found: [FrameReader.Frame] = []
    for byte in text.utf8 {
      if byte == UInt8(ascii: "~") {
        now += 1000
        found += reader.expire(at: moment(now).boottimeNanoseconds)
      } else {
        found += reader.take(byte, at: moment(now))
      }
    }
    return found
  }

  private let anyEnd = FrameRule(ends: [[0x0D], [0x0A]])

  @Test(arguments: ["A\rB\r", "A\nB\n", "A\r\nB\r\n", "A\n\rB\n\r", "A\r\nB\n"])
  func `CR, LF or both end a frame, and the second of both is no frame`(text: String) {
    var reader = FrameReader(anyEnd)
    let found = frames(&reader, text)
    #expect(found.map { anyEnd.payload(of: $0.raw) } == [[0x41], [0x42]])
    #expect(found.allSatisfy { $0.damage == nil })
    #expect(reader.emptyFrames == 0)
  }

  @Test func `two ends of the same kind are an empty frame`() {
    var reader = FrameReader(anyEnd)
    #expect(frames(&reader, "A\r\n\r\nB\r").count == 2)
    #expect(reader.emptyFrames == 1)
  }

  private let lrc = FrameRule(start: [0x02], ends: [[0x03]], check: .lrc)

  @Test func `an LRC that fits makes a whole frame, another a damaged one`() {
    // 41 ^ 42 ^ 03 is 00, the check of "AB"; of "AC" it is 01.
    #expect(frames(lrc, "\u{02}AB\u{03}\u{00}\u{02}AC\u{03}\u{01}") == ["\\x02AB\\x03\\x00", "\\x02AC\\x03\\x01"])
    #expect(
      frames(lrc, "\u{02}AB\u{03}\u{05}\u{02}AC\u{03}\u{01}") == [
        "\\x02AB\\x03\\x05 <- its LRC is 05, its bytes give 00", "\\x02AC\\x03\\x01",
      ])
    #expect(lrc.payload(of: Array("\u{02}AB\u{03}\u{00}".utf8)) == [0x41, 0x42])
    #expect(lrc.frame(of: Array("AC".utf8)) == Array("\u{02}AC\u{03}\u{01}".utf8))
  }

  @Test func `an LRC may be any byte, also a start or an end`() {
    // 41 ^ 40 ^ 03 is 02, 01 ^ 01 ^ 03 is 03
    #expect(frames(lrc, "\u{02}A@\u{03}\u{02}\u{02}\u{01}\u{01}\u{03}\u{03}").count == 2)
    #expect(frames(lrc, "\u{02}A@\u{03}\u{02}\u{02}\u{01}\u{01}\u{03}\u{03}").allSatisfy { !$0.contains("<-") })
  }

  @Test func `a frame without its LRC is damaged after the idle time`() {
    #expect(frames(lrc, "\u{02}AB\u{03}~") == ["\\x02AB\\x03 <- a frame without its check: nothing came for 500ms"])
  }

  @Test func `a fixed length is counted from the start, and found again after a loss`() {
    let rule = FrameRule(start: [0x02], ends: [], length: 5)
    #expect(frames(rule, "\u{02}ABCD\u{02}EFGH") == ["\\x02ABCD", "\\x02EFGH"])
    #expect(
      frames(rule, "\u{02}ABC\u{02}EFGH") == [
        "\\x02ABC <- a frame without its end: a new start came", "\\x02EFGH",
      ])
    #expect(
      frames(rule, "XY\u{02}ABCDZ\u{02}EFGH") == [
        "XY <- bytes without a start before a frame", "\\x02ABCD", "Z <- bytes without a start before a frame",
        "\\x02EFGH",
      ])
  }

  @Test func `a fixed length with an end is a length that is checked`() {
    let rule = FrameRule(ends: [[0x0D]], length: 4)
    #expect(
      frames(rule, "ABC\rAB\rABCD\rXYZ\r") == [
        "ABC\\r", "AB\\r <- 3 bytes where the map says 4", "ABCD <- a frame longer than 4 bytes: 1 bytes were not kept",
        "XYZ\\r",
      ])
  }

  @Test func `a fixed length alone is found again by a pause`() {
    let rule = FrameRule(ends: [], length: 3, idle: .milliseconds(50))
    #expect(frames(rule, "ABC~DEFGHI~JK~LMN~") == ["ABC", "DEF", "GHI", "JK <- 2 bytes where the map says 3", "LMN"])
    #expect(frames(rule, "XABC~DEF~") == ["XABC <- 4 bytes where the map says 3", "DEF"])
  }

  @Test func `a pause ends a frame where the map says so`() {
    let rule = FrameRule(ends: [], maxLength: 8, idle: .milliseconds(50))
    #expect(
      frames(rule, "ABC~D~ABCDEFGHIJ~E~") == [
        "ABC", "D", "ABCDEFGH <- a frame longer than 8 bytes: 2 bytes were not kept; nothing came for 50ms", "E",
      ])
  }

  @Test func `bytes after a pause belong to the next frame, though nobody looked at the clock in between`() {
    var reader = FrameReader(FrameRule(end: [0x0D]))
    var found: [FrameReader.Frame] = []
    for byte in "OP-12".utf8 { found += reader.take(byte, at: moment(1)) }
    for byte in "34\r".utf8 { found += reader.take(byte, at: moment(900)) }
    #expect(found.map(\.raw) == [Array("OP-12".utf8), Array("34\r".utf8)])
    #expect(found.map(\.damage) == ["a frame without its end: nothing came for 500ms", nil])
  }

  @Test func `an RDM6300's tag is ten digits whose checksum fits`() {
    // 62 ^ E3 ^ 08 ^ 6C ^ ED is 08: the example of the reader's data sheet.
    let rule = FrameRule.rdm6300()
    var reader = FrameReader(rule)
    let found = frames(&reader, "xx\u{02}62E3086CED08\u{03}y\u{02}62E3086CED09\u{03}\u{02}62E308\u{03}")
    #expect(found.map { rule.payload(of: $0.raw) }.first == Array("62E3086CED".utf8))
    #expect(found.map(\.damage) == [nil, "its checksum is 09, its digits give 08", "8 bytes where the map says 14"])
    #expect(reader.noiseBytes == 3)
    #expect(rule.frame(of: Array("62E3086CED".utf8)) == Array("\u{02}62E3086CED08\u{03}".utf8))
  }

  private static let rules: [FrameRule] = [
    FrameRule(end: [0x0D], maxLength: 6), FrameRule(ends: [[0x0D], [0x0A]], maxLength: 6),
    FrameRule(start: [0x02], end: [0x03], maxLength: 6), FrameRule(start: [0x02], ends: [[0x03]], check: .lrc),
    FrameRule(start: [0x02, 0x41], ends: [[0x03, 0x0A]], maxLength: 7), FrameRule(start: [0x02], ends: [], length: 4),
    FrameRule(ends: [[0x0D]], length: 4), FrameRule(ends: [], length: 3), FrameRule(ends: [], maxLength: 5),
    FrameRule(start: [0x02], ends: [], maxLength: 6), FrameRule(start: [0x2A], end: [0x2A]), .rdm6300(),
  ]

  @Test(arguments: rules)
  func `however reads cut the bytes, the frames are the same and no byte is lost`(rule: FrameRule) {
    var random = Seeded(seed: 6300)
    let alphabet: [UInt8] = [0x02, 0x03, 0x0A, 0x0D, 0x2A, 0x41, 0x30, 0xFF]
    for _ in 0..<40 {
      var now = 1
      var line: [(byte: UInt8, moment: Moment)] = []
      for _ in 0..<120 {
        if Int.random(in: 0..<12, using: &random) == 0 { now += Int.random(in: 20...1200, using: &random) }
        line.append((alphabet.randomElement(using: &random)!, moment(now)))
      }
      var whole = FrameReader(rule)
      var expected = line.flatMap { whole.take($0.byte, at: $0.moment) }
      if let last = whole.end(because: "over") { expected.append(last) }
      var cut = FrameReader(rule)
      var found: [FrameReader.Frame] = []
      var rest = line[...]
      while let first = rest.first {
        // A read has bytes of one moment; before it the clock is looked at as often as it pleases.
        let most = rest.prefix { $0.moment == first.moment }.count
        let chunk = rest.prefix(Int.random(in: 1...most, using: &random))
        rest = rest.dropFirst(chunk.count)
        if Bool.random(using: &random) { found += cut.expire(at: first.moment.boottimeNanoseconds) }
        found += cut.take(chunk.map { .init(byte: $0.byte, isDamaged: false) }, at: first.moment)
      }
      if let last = cut.end(because: "over") { found.append(last) }
      #expect(found == expected)
      #expect(found.allSatisfy { $0.raw.count <= max(rule.limit, rule.maxLength) + 1 })
      // Delimiters of empty frames, and second ends, are all that is in no frame and not counted byte by byte.
      let kept = found.reduce(0) { $0 + $1.raw.count } + Int(cut.droppedBytes) + Int(cut.noiseBytes)
      #expect(kept <= line.count)
      if rule.ends.isEmpty, rule.start.isEmpty { #expect(kept == line.count) }
    }
  }
}
