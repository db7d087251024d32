import Testing

@testable import Devices

/// The coil that shows on the line whether readings are kept: what may be written, and when.
struct LampTests {
  private func coil(_ number: Int) -> ModbusAddress { ModbusAddress(table: .coil, number: number, text: "lamp") }

  private func map(trigger: ModbusAddress, acknowledge: ModbusAddress) -> ModbusMap {
    func tag(_ address: ModbusAddress) -> ModbusTag { ModbusTag(name: "t", address: address, type: .bool) }
    return ModbusMap(groups: [
      ModbusGroup(
        name: "cycle", every: .milliseconds(20),
        trigger: ModbusTrigger(tag: tag(trigger), acknowledge: tag(acknowledge)),
        tags: [])
    ])
  }

  @Test func `only the declared coil is written, and none that a cycle needs`() {
    let map = map(trigger: coil(0), acknowledge: coil(4))
    let write = WritePermit(lamp: coil(16), beside: map)?.lighting(true)
    #expect(write?.table == .coil && write?.address == 16 && write?.words == [1] && write?.function == 5)
    #expect(WritePermit(lamp: coil(16), beside: map)?.lighting(false)?.words == [0])
    #expect(WritePermit(lamp: coil(0), beside: map) == nil, "the trigger")
    #expect(WritePermit(lamp: coil(4), beside: map) == nil, "the acknowledge")
    let register = ModbusAddress(table: .holding, number: 16, text: "40017")
    #expect(WritePermit(lamp: register, beside: map) == nil, "a register")
  }

  @Test func `it is written where it shows something else, and again after the device was away`() throws {
    var lamp = Lamp(try #require(WritePermit(lamp: coil(16), beside: map(trigger: coil(0), acknowledge: coil(4)))))
    let now = ContinuousClock.now
    #expect(lamp.due(nil, at: now) == nil, "nobody wants anything")
    #expect(lamp.due(false, at: now) == now, "what it shows is not known")
    lamp.wrote(false)
    #expect(lamp.due(false, at: now) == nil && lamp.due(true, at: now) == now)
    lamp.forget()
    #expect(lamp.due(false, at: now) == now)
  }

  @Test func `a write that fails is tried with growing pauses and told once a reason`() throws {
    var lamp = Lamp(try #require(WritePermit(lamp: coil(16), beside: map(trigger: coil(0), acknowledge: coil(4)))))
    var now = ContinuousClock.now
    var pauses: [Duration] = []
    let isNews = lamp.failed("exception 2", at: now, random: 0.99)
    #expect(isNews)
    for _ in 0..<12 {
      let due = try #require(lamp.due(true, at: now))
      pauses.append(due - now)
      now = due
      let isNewsAgain = lamp.failed("exception 2", at: now, random: 0.99)
      #expect(!isNewsAgain)
    }
    #expect(pauses.first! >= .seconds(1) && pauses.last! > .seconds(50) && pauses.allSatisfy { $0 <= .seconds(60) })
    let isOther = lamp.failed("no answer", at: now, random: 0)
    #expect(isOther)
  }
}
