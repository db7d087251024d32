import Events
import Testing

@testable import Devices

/// The cycle's state machine with a given clock.
struct ModbusTriggerTests {
  private func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }

  private func counter(last: UInt64?, acknowledge: Bool = true, wraps: UInt64? = nil) -> CycleTrigger {
    let place = ModbusAddress(table: .holding, number: 99, text: "40100")
    let tag = ModbusTag(name: "count", address: place, type: .uint16)
    return CycleTrigger(ModbusTrigger(tag: tag, wraps: wraps, acknowledge: acknowledge ? tag : nil), last: last)
  }

  private func bit(acknowledge: Bool, last: UInt64? = nil) -> CycleTrigger {
    let tag = ModbusTag(name: "done", address: ModbusAddress(table: .coil, number: 0, text: "00001"), type: .bool)
    return CycleTrigger(ModbusTrigger(tag: tag, acknowledge: acknowledge ? tag : nil), last: last)
  }

  @Test func `without acknowledge the first value is where counting begins`() {
    var trigger = counter(last: nil, acknowledge: false)
    #expect(trigger.saw(500, at: at(1)) == .nothing)
    #expect(trigger.saw(500, at: at(2)) == .nothing)
    #expect(trigger.saw(501, at: at(3)) == .record(trigger: 501, after: at(2), jump: .none))
    // Refused: it stays pending, its beginning too.
    #expect(trigger.saw(501, at: at(4)) == .record(trigger: 501, after: at(2), jump: .none))
    trigger.committed(501, at: at(4))
    #expect(trigger.saw(501, at: at(5)) == .nothing)
    trigger.disconnected()
    #expect(trigger.saw(503, at: at(9)) == .record(trigger: 503, after: nil, jump: .missed(1)))
  }

  @Test func `with acknowledge the first start asks whether a cycle waits`() {
    var trigger = counter(last: nil)
    #expect(trigger.saw(5, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(5, at: at(1), acknowledge: 5) == .nothing)
    #expect(trigger.saw(6, at: at(2)) == .record(trigger: 6, after: at(1), jump: .none))
    var other = counter(last: nil)
    #expect(other.saw(5, at: at(1), acknowledge: 4) == .record(trigger: 5, after: nil, jump: .none))
  }

  @Test func `an acknowledge that the PLC lost is written again`() {
    var trigger = counter(last: 5)
    #expect(trigger.saw(5, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(5, at: at(1), acknowledge: 4) == .acknowledge(5))
    // Until it was written.
    #expect(trigger.saw(5, at: at(2)) == .acknowledge(5))
    trigger.wrote(acknowledge: 5)
    #expect(trigger.saw(5, at: at(3)) == .nothing)
    trigger.disconnected()
    #expect(trigger.saw(5, at: at(4)) == .readAcknowledge)
  }

  @Test func `a cycle shown again is counted once, and our own word that is still owed is none`() {
    var trigger = counter(last: 5)
    #expect(trigger.saw(5, at: at(1), acknowledge: 4) == .acknowledge(5))
    #expect(trigger.saw(5, at: at(2)) == .acknowledge(5))
    #expect(trigger.repeated == 1)
    trigger.wrote(acknowledge: 5)
    trigger.committed(6, at: at(3))
    trigger.disconnected()
    #expect(trigger.saw(6, at: at(4), acknowledge: 5) == .acknowledge(6))
    #expect(trigger.repeated == 1)
    trigger.wrote(acknowledge: 6)
    // The PLC lost the word that it had.
    trigger.disconnected()
    #expect(trigger.saw(6, at: at(5), acknowledge: 0) == .acknowledge(6))
    #expect(trigger.repeated == 2)
    var handshake = bit(acknowledge: true, last: 1)
    #expect(handshake.saw(1, at: at(1), acknowledge: 0) == .acknowledge(1))
    #expect(handshake.repeated == 1)
  }

  @Test(arguments: [
    // At the edge of the wrap: forward up to half of the range, a fall beyond.
    (UInt64(65535), UInt64(0), UInt64(65534), CycleTrigger.Step.record(trigger: 0, after: nil, jump: .none)),
    (65535, 0, 0, .restarted(from: 65535, to: 0, since: nil)),
    (65000, 0, 64999, .record(trigger: 0, after: nil, jump: .missed(535))),
    (30000, 0, 0, .restarted(from: 30000, to: 0, since: nil)),
  ])
  func `back to 0 is a wrap or a restart, by the distance and by what the PLC has acknowledged`(
    last: UInt64, now: UInt64, acknowledge: UInt64, step: CycleTrigger.Step
  ) {
    var trigger = counter(last: last)
    #expect(trigger.saw(now, at: at(1), acknowledge: acknowledge) == step)
  }

  @Test func `a PLC that was started again is told from a cycle`() {
    var trigger = counter(last: 900)
    #expect(trigger.saw(0, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(0, at: at(1), acknowledge: 0) == .restarted(from: 900, to: 0, since: nil))
    #expect(trigger.saw(0, at: at(2)) == .nothing)
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(2), jump: .none))
    var waiting = counter(last: 900)
    #expect(waiting.saw(2, at: at(1), acknowledge: 1) == .record(trigger: 2, after: nil, jump: .restarted))
    var silent = counter(last: 900, acknowledge: false)
    #expect(silent.saw(0, at: at(1)) == .restarted(from: 900, to: 0, since: nil))
    #expect(silent.saw(1, at: at(2)) == .record(trigger: 1, after: at(1), jump: .none))
  }

  @Test func `cycles are missing since the last look at the old count, also over a lost connection`() {
    var trigger = counter(last: 900)
    #expect(trigger.saw(900, at: at(1), acknowledge: 900) == .nothing)
    #expect(trigger.saw(900, at: at(2)) == .nothing)
    trigger.disconnected()
    #expect(trigger.saw(0, at: at(9), acknowledge: 0) == .restarted(from: 900, to: 0, since: at(2)))
    #expect(trigger.saw(1, at: at(10)) == .record(trigger: 1, after: at(9), jump: .none))
  }

  @Test(arguments: [
    (UInt64(65535), UInt64(0), UInt64?.none, CycleReading.Jump.none), (65535, 1, nil, .missed(1)),
    (0, 32768, nil, .missed(32767)), (0, 32769, nil, .restarted), (5, 4, nil, .restarted), (9999, 0, 10000, .none),
    (9998, 1, 10000, .missed(2)), (3, 12000, 10000, .restarted), (0, 1, 2, .none), (1, 0, 2, .none),
  ])
  func `a counter's step tells what was missed`(from: UInt64, to: UInt64, wraps: UInt64?, jump: CycleReading.Jump) {
    #expect(counter(last: from, wraps: wraps).jump(from: from, to: to) == jump)
  }

  @Test func `a bit's handshake has four steps, and each of our writes follows a commit`() {
    var trigger = bit(acknowledge: true, last: 0)
    #expect(trigger.saw(0, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(0, at: at(1), acknowledge: 0) == .nothing)
    #expect(trigger.saw(1, at: at(2)) == .record(trigger: 1, after: at(1), jump: .none))
    // Refused: it stays to be recorded.
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(1), jump: .none))
    trigger.committed(1, at: at(3))
    // Until the acknowledge is written: it is repeated, the cycle is not.
    for second in 4...5 { #expect(trigger.saw(1, at: at(Int64(second))) == .acknowledge(1)) }
    trigger.wrote(acknowledge: 1)
    #expect(trigger.saw(1, at: at(6)) == .nothing)
    // Until the rest is on disk.
    for second in 7...8 { #expect(trigger.saw(0, at: at(Int64(second))) == .rest) }
    trigger.rested()
    #expect(trigger.saw(0, at: at(9)) == .acknowledge(0))
    trigger.wrote(acknowledge: 0)
    #expect(trigger.saw(0, at: at(10)) == .nothing)
    #expect(trigger.saw(1, at: at(11)) == .record(trigger: 1, after: at(10), jump: .none))
  }

  /// What the disk, the bit and the acknowledge show after a start, and what is to be done.
  @Test(arguments: [
    // Nothing began.
    (UInt64?.none, UInt64(0), UInt64(0), CycleTrigger.Step.nothing), (0, 0, 0, .nothing),
    // The bit rose, and the cycle is not on disk.
    (nil, 1, 0, .record(trigger: 1, after: nil, jump: .none)), (0, 1, 0, .record(trigger: 1, after: nil, jump: .none)),
    // Killed between the commit and the acknowledge, and right after it.
    (1, 1, 0, .acknowledge(1)), (1, 1, 1, .nothing),
    // The bit fell, and that is not on disk; a PLC that was switched off in between lost the acknowledge too.
    (1, 0, 1, .rest), (1, 0, 0, .rest),
    // Killed between the commit of the rest and the fall of the acknowledge.
    (0, 0, 1, .acknowledge(0)),
    // The PLC did not wait for that: its bit was seen fallen, so this is another cycle.
    (0, 1, 1, .record(trigger: 1, after: nil, jump: .none)),
    // The queue is gone; what is acknowledged was in it.
    (nil, 1, 1, .nothing), (nil, 0, 1, .rest),
    // The map had a counter before.
    (500, 1, 0, .record(trigger: 1, after: nil, jump: .none)),
  ])
  func `after a start, disk, bit and acknowledge tell how far a cycle came`(
    last: UInt64?, bit shown: UInt64, acknowledge: UInt64, step: CycleTrigger.Step
  ) {
    var trigger = bit(acknowledge: true, last: last)
    #expect(trigger.saw(shown, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(shown, at: at(1), acknowledge: acknowledge) == step)
  }

  @Test func `a broken line in the middle of a handshake changes nothing of what is recorded`() {
    var trigger = bit(acknowledge: true, last: 0)
    #expect(trigger.saw(1, at: at(1), acknowledge: 0) == .record(trigger: 1, after: nil, jump: .none))
    trigger.committed(1, at: at(1))
    trigger.disconnected()
    #expect(trigger.saw(1, at: at(2)) == .readAcknowledge)
    #expect(trigger.saw(1, at: at(2), acknowledge: 0) == .acknowledge(1))
    trigger.disconnected()
    #expect(trigger.saw(0, at: at(3), acknowledge: 1) == .rest)
    trigger.rested()
    trigger.disconnected()
    #expect(trigger.saw(0, at: at(4), acknowledge: 1) == .acknowledge(0))
  }

  @Test func `rises of a bit without acknowledge are counted while nothing is taken`() {
    var trigger = bit(acknowledge: false, last: 1)
    #expect(trigger.saw(1, at: at(1)) == .nothing)
    #expect(trigger.saw(0, at: at(2)) == .nothing)
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(2), jump: .none))
    #expect(trigger.saw(0, at: at(4)) == .record(trigger: 1, after: at(2), jump: .none))
    #expect(trigger.saw(1, at: at(5)) == .record(trigger: 1, after: at(2), jump: .missed(1)))
    trigger.committed(1, at: at(5))
    #expect(trigger.saw(1, at: at(6)) == .nothing)
  }
}
