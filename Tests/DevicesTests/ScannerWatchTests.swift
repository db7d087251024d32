import Events
import Testing

@testable import Devices

@Suite struct ScannerWatchTests {
  private func moment(_ seconds: Double) -> Moment {
    Moment(
      time: Timestamp(microseconds: Int64(seconds * 1e6)), boottimeNanoseconds: UInt64(seconds * 1e9))
  }

  // MARK: Tags

  @Test func `a tag that is said again and again comes once and leaves once`() {
    var presence = TagPresence(goneAfter: .seconds(1))
    #expect(presence.hear([1], at: moment(10)) == true)
    for step in 1...20 {
      #expect(presence.hear([1], at: moment(10 + Double(step) * 0.1)) == false)
      #expect(presence.left(at: moment(10 + Double(step) * 0.1).boottimeNanoseconds).isEmpty)
    }
    #expect(presence.deadline == moment(13).boottimeNanoseconds)
    #expect(presence.left(at: moment(12.9).boottimeNanoseconds).isEmpty)
    #expect(
      presence.left(at: moment(13).boottimeNanoseconds) == [
        .init(raw: [1], first: moment(10), last: moment(12), frames: 21)
      ])
    #expect(presence.deadline == nil)
    #expect(presence.hear([1], at: moment(13.1)) == true)
  }

  @Test func `two tags are told apart, and more than a reader can see push out the oldest`() {
    var presence = TagPresence(goneAfter: .seconds(1))
    for step in 0..<10 {
      #expect(presence.hear([1], at: moment(1 + Double(step) * 0.2)) == (step == 0))
      #expect(presence.hear([2], at: moment(1.1 + Double(step) * 0.2)) == (step == 0))
    }
    for number in 3...40 { _ = presence.hear([UInt8(number)], at: moment(3)) }
    #expect(presence.left(at: moment(3).boottimeNanoseconds).count == 24)
    #expect(presence.leave().count == TagPresence.most)
  }

  // MARK: Evidence

  @Test func `a flood of garbage is kept by its first frames and counted from there on`() {
    var evidence = Evidence()
    var kept = 0
    var told: [Evidence.Folded] = []
    // 100 frames a second for an hour.
    for number in 0..<360_000 {
      let now = moment(100 + Double(number) / 100)
      if evidence.keeps([1, 2, 3], "no text", at: now) { kept += 1 }
      if let folded = evidence.due(at: now.boottimeNanoseconds, isOver: false) { told.append(folded) }
    }
    if let rest = evidence.due(at: moment(4000).boottimeNanoseconds, isOver: true) { told.append(rest) }
    #expect((67...68).contains(kept))
    #expect((59...61).contains(told.count))
    #expect(UInt64(kept) + told.reduce(0) { $0 + $1.count } == 360_000)
    #expect(told.allSatisfy { $0.bytes == 3 * $0.count && $0.problem == "no text" })
    #expect(evidence.due(at: moment(9000).boottimeNanoseconds, isOver: true) == nil)
  }

  @Test func `after a quiet while the first frames are kept again`() {
    var evidence = Evidence()
    for _ in 0..<20 { _ = evidence.keeps([1], "x", at: moment(1)) }
    #expect(evidence.keeps([1], "x", at: moment(2)) == false)
    let later = (0..<20).filter { _ in evidence.keeps([1], "x", at: moment(3600)) }
    #expect(later.count == Evidence.most)
  }

  // MARK: Findings

  private func watch(_ line: SerialLine? = SerialLine(), silentAfter: Duration? = nil) -> ScanWatch {
    ScanWatch(line: line, ends: [[0x0D]], silentAfter: silentAfter)
  }

  @Test func `five frames in a row that are none are a finding, which a valid one ends`() throws {
    var watch = watch()
    for number in 1...4 { #expect(watch.unusable([0xF8, 0x80], lineErrors: 0, at: moment(Double(number))).isEmpty) }
    let signs = watch.unusable([0xF8, 0x80], lineErrors: 0, at: moment(5))
    let sign = try #require(signs.first)
    #expect(sign.kind == .onlyGarbage && sign.from == moment(1).time && sign.to == nil && sign.count == 5)
    #expect(
      sign.reason == "10 bytes and no valid frame: they are no text: the map's line, 9600 8N1, is not the scanner's, "
        + "or another device is on this port")
    #expect(watch.unusable([0xF8], lineErrors: 0, at: moment(6)).isEmpty)
    #expect(
      watch.valid(at: moment(7)) == [
        .init(kind: .onlyGarbage, from: moment(1).time, to: moment(7).time, count: 5, reason: "a valid frame came")
      ])
    #expect(watch.valid(at: moment(8)).isEmpty)
  }

  @Test func `a valid frame in between is no garbage`() {
    var watch = watch()
    for number in 0..<100 {
      #expect(watch.unusable([0xF8], lineErrors: 0, at: moment(Double(number))).isEmpty)
      if number % 4 == 3 { #expect(watch.valid(at: moment(Double(number))).isEmpty) }
    }
  }

  @Test func `what the garbage looks like says what is wrong`() {
    func reason(_ line: SerialLine?, _ raw: [UInt8], lineErrors: Int = 0) -> String? {
      var watch = watch(line)
      return (0..<5).compactMap { watch.unusable(raw, lineErrors: lineErrors, at: moment(Double($0))).first }.first?
        .reason
    }
    #expect(
      reason(SerialLine(), Array("ABC".utf8), lineErrors: 2)
        == "15 bytes and no valid frame: 10 of them with parity or framing errors: the map's line, 9600 8N1, is not the "
        + "scanner's")
    #expect(
      reason(SerialLine(), Array("SN1\n".utf8))
        == "20 bytes and no valid frame: they are text, and seem to end with \\n: see frame in the map")
    #expect(
      reason(nil, [0xFF, 0xFE])
        == "10 bytes and no valid frame: they are no text: does another device answer at this address?")
  }

  @Test func `a scanner that reads nothing valid for long is a finding, once`() {
    var watch = watch(silentAfter: .seconds(1800))
    watch.began(at: moment(10))
    #expect(watch.check(at: moment(1809)).isEmpty)
    #expect(
      watch.check(at: moment(1810)) == [
        .init(
          kind: .noValidScan, from: moment(10).time, to: nil, count: nil,
          reason: "nothing valid for 30m: is it used, and does it read?")
      ])
    #expect(watch.check(at: moment(5000)).isEmpty)
    #expect(watch.valid(at: moment(6000)).map(\.to) == [moment(6000).time])
    #expect(watch.check(at: moment(7799)).isEmpty)
    #expect(watch.check(at: moment(7800)).count == 1)
    #expect(watch.end(at: moment(7900), because: "the daemon stopped").map(\.reason) == ["the daemon stopped"])
  }
}
