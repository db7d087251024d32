import Devices
import Events

/// A PLC made from its map: process values that move, and cycles that wait for their acknowledge.
actor SimulatedPLC {
  /// One cycle that it made.
  struct Made: Sendable {
    let trigger: UInt64
    let values: [String: Ledger.Value]
    let result: String?
    let shown: Timestamp
    let acknowledged: Timestamp
  }

  nonisolated let name: String
  nonisolated let server: ModbusServer
  /// The first group with a trigger; nil in a map without cycles.
  nonisolated let cycleGroup: ModbusGroup?
  private let acknowledges: AsyncStream<Void>
  private var block: [SimulatedTag]
  private var process: [SimulatedTag]
  private var numbers: SeededNumbers
  private var count: UInt64

  /// - Parameter count: where the cycle counter begins.
  init(name: String, map: ModbusMap, port: Int = 0, count: UInt64 = 0, numbers: SeededNumbers) async throws {
    self.name = name
    self.numbers = numbers
    self.count = count
    let cycleGroup = map.groups.first { $0.trigger != nil }
    self.cycleGroup = cycleGroup
    block = (cycleGroup?.tags ?? []).map { SimulatedTag($0) }
    process = map.groups.filter { $0.trigger == nil }.flatMap(\.tags).map { SimulatedTag($0) }
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    acknowledges = stream
    server = try await ModbusServer(port: port) { _ in continuation.yield() }
    let (first, values) = (block, process)
    server.update { registers in
      for tag in first + values { tag.show(in: &registers) }
      // Both the same: there is no cycle that waits to be read.
      guard let trigger = cycleGroup?.trigger, !trigger.isBit else { return }
      SimulatedTag.show(Double(count), of: trigger.tag, in: &registers)
      if let acknowledge = trigger.acknowledge { SimulatedTag.show(Double(count), of: acknowledge, in: &registers) }
    }
  }

  /// What a reader must find now: the groups without a trigger in the order of the map, then the last cycle's block.
  var values: [(tag: ModbusTag, value: Ledger.Value)] {
    (process + block).map { ($0.tag, $0.value) }
  }

  /// Moves the process values a little.
  func drift() {
    for index in process.indices { process[index].drift(using: &numbers) }
    let values = process
    server.update { registers in for tag in values { tag.show(in: &registers) } }
  }

  /// Makes a cycle and waits until it is acknowledged, if the map has an acknowledge; nil if the task was cancelled.
  ///
  /// - Parameter hiding: so many cycles before it that no reader can see, since the counter passes over them.
  func cycle(hiding: UInt64 = 0) async -> Made? {
    guard let trigger = cycleGroup?.trigger else { return nil }
    for index in block.indices { block[index].draw(using: &numbers) }
    count = trigger.isBit ? 1 : (count + 1 + hiding) % trigger.wraps
    let (made, values) = (count, block)
    let shown = Moment.now().time
    server.update { registers in
      for tag in values { tag.show(in: &registers) }
      SimulatedTag.show(Double(made), of: trigger.tag, in: &registers)
    }
    if let acknowledge = trigger.acknowledge {
      guard await wait(for: made, at: acknowledge) else { return nil }
    } else if trigger.isBit, await !hold() {
      return nil
    }
    let acknowledged = Moment.now().time
    if trigger.isBit, await !takeBack(trigger) { return nil }
    let result = values.first { $0.tag.role == "result" }?.value.asResult
    return Made(
      trigger: made,
      values: Dictionary(values.map { ($0.tag.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
      result: result, shown: shown, acknowledged: acknowledged)
  }

  /// The second half of a handshake by bits: the trigger falls, then the acknowledge does.
  private func takeBack(_ trigger: ModbusTrigger) async -> Bool {
    server.update { registers in SimulatedTag.show(0, of: trigger.tag, in: &registers) }
    guard let acknowledge = trigger.acknowledge else { return await hold() }
    return await wait(for: 0, at: acknowledge)
  }

  /// Leaves a bit that nobody acknowledges as it is for so long that who reads at the map's rate sees it.
  private func hold() async -> Bool {
    (try? await Task.sleep(for: (cycleGroup?.every ?? .zero) * 3)) != nil
  }

  private func wait(for value: UInt64, at acknowledge: ModbusTag) async -> Bool {
    func isThere() -> Bool { server.update { SimulatedTag.number(of: acknowledge, in: $0) } == value }
    if isThere() { return true }
    var writes = acknowledges.makeAsyncIterator()
    while await writes.next(isolation: #isolation) != nil {
      if isThere() { return true }
    }
    return false
  }
}

extension Ledger.Value {
  /// `pass` or `fail`, from a name or a bit.
  fileprivate var asResult: String {
    if case .flag(let isPass) = self { isPass ? "pass" : "fail" } else { shown }
  }
}
