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

  private func bit(acknowledge: Bool) -> CycleTrigger {
    let tag = ModbusTag(name: "done", address: ModbusAddress(table: .coil, number: 0, text: "00001"), type: .bool)
    return CycleTrigger(ModbusTrigger(tag: tag, acknowledge: acknowledge ? tag : nil), last: 1)
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

  @Test func `a PLC that was started again is told from a cycle`() {
    var trigger = counter(last: 900)
    #expect(trigger.saw(0, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(0, at: at(1), acknowledge: 0) == .restarted(from: 900, to: 0))
    #expect(trigger.saw(0, at: at(2)) == .nothing)
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(2), jump: .none))
    var waiting = counter(last: 900)
    #expect(waiting.saw(2, at: at(1), acknowledge: 1) == .record(trigger: 2, after: nil, jump: .restarted))
    var silent = counter(last: 900, acknowledge: false)
    #expect(silent.saw(0, at: at(1)) == .restarted(from: 900, to: 0))
    #expect(silent.saw(1, at: at(2)) == .record(trigger: 1, after: at(1), jump: .none))
  }

  @Test(arguments: [
    (UInt64(65535), UInt64(0), UInt64?.none, CycleReading.Jump.none), (65535, 1, nil, .missed(1)),
    (0, 32768, nil, .missed(32767)), (0, 32769, nil, .restarted), (5, 4, nil, .restarted), (9999, 0, 10000, .none),
    (9998, 1, 10000, .missed(2)), (3, 12000, 10000, .restarted), (0, 1, 2, .none), (1, 0, 2, .none),
  ])
  func `a counter's step tells what was missed`(from: UInt64, to: UInt64, wraps: UInt64?, jump: CycleReading.Jump) {
    #expect(counter(last: from, wraps: wraps).jump(from: from, to: to) == jump)
  }

  @Test func `a bit that is set and acknowledged at the start was recorded before it`() {
    var trigger = bit(acknowledge: true)
    #expect(trigger.saw(1, at: at(1)) == .readAcknowledge)
    #expect(trigger.saw(1, at: at(1), acknowledge: 1) == .nothing)
    #expect(trigger.saw(0, at: at(2)) == .acknowledge(0))
    trigger.wrote(acknowledge: 0)
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(2), jump: .none))
    trigger.committed(1, at: at(3))
    // Its acknowledge was refused: it is repeated, the cycle is not.
    #expect(trigger.saw(1, at: at(4)) == .acknowledge(1))
  }

  @Test func `rises of a bit without acknowledge are counted while nothing is taken`() {
    var trigger = bit(acknowledge: false)
    #expect(trigger.saw(1, at: at(1)) == .nothing)
    #expect(trigger.saw(0, at: at(2)) == .nothing)
    #expect(trigger.saw(1, at: at(3)) == .record(trigger: 1, after: at(2), jump: .none))
    #expect(trigger.saw(0, at: at(4)) == .record(trigger: 1, after: at(2), jump: .none))
    #expect(trigger.saw(1, at: at(5)) == .record(trigger: 1, after: at(2), jump: .missed(1)))
    trigger.committed(1, at: at(5))
    #expect(trigger.saw(1, at: at(6)) == .nothing)
  }
}
