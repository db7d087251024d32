import Devices
import Events

/// A PLC made from its map: process values that move, and cycles that wait for their acknowledge.
actor SimulatedPLC {
  /// One cycle that it made.
  struct Made: Sendable {
    let group: String
    let trigger: UInt64
    let values: [String: Ledger.Value]
    let result: String?
    let shown: Timestamp
    let acknowledged: Timestamp
  }

  /// A group with a trigger, as it stands.
  private struct Cycle {
    let group: ModbusGroup
    let trigger: ModbusTrigger
    var block: [SimulatedTag]
    var count: UInt64
    /// Something was written, perhaps this group's acknowledge.
    let writes: AsyncStream<Void>
  }

  nonisolated let name: String
  nonisolated let server: ModbusServer
  /// The groups with a trigger, in the order of the map.
  nonisolated let cycleGroups: [ModbusGroup]
  /// The first group with a trigger; nil in a map without cycles.
  nonisolated var cycleGroup: ModbusGroup? { cycleGroups.first }
  private var cycles: [Cycle] = []
  private var process: [SimulatedTag]
  private var numbers: SeededNumbers

  /// Where a PLC is found.
  enum Place: Sendable {
    /// On loopback; 0 takes a free port.
    case port(Int)
    case serial(path: String, line: SerialLine, unit: UInt8)
  }

  /// - Parameters:
  ///   - count: where the cycle counters begin.
  ///   - fault: what goes wrong with a request.
  init(
    name: String, map: ModbusMap, at place: Place = .port(0), count: UInt64 = 0, numbers: SeededNumbers,
    fault: @escaping @Sendable () -> SimulatedFault = { SimulatedFault() }
  ) async throws {
    self.name = name
    self.numbers = numbers
    cycleGroups = map.groups.filter { $0.trigger != nil }
    process = map.groups.filter { $0.trigger == nil }.flatMap(\.tags).map { SimulatedTag($0) }
    var wakes: [AsyncStream<Void>.Continuation] = []
    for group in cycleGroups {
      guard let trigger = group.trigger else { continue }
      let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
      wakes.append(continuation)
      cycles.append(
        Cycle(
          group: group, trigger: trigger, block: group.tags.map { SimulatedTag($0) }, count: count % trigger.wraps,
          writes: stream))
    }
    let woken = wakes
    let onWrite: @Sendable (ModbusServer.Write) -> Void = { _ in for wake in woken { wake.yield() } }
    server =
      switch place {
      case .port(let port): try await ModbusServer(port: port, onWrite: onWrite, fault: fault)
      case .serial(let path, let line, let unit):
        try await ModbusServer(serial: path, line: line, unit: unit, onWrite: onWrite, fault: fault)
      }
    let (first, values) = (cycles, process)
    server.update { registers in
      for tag in first.flatMap(\.block) + values { tag.show(in: &registers) }
      // Trigger and acknowledge the same: there is no cycle that waits to be read.
      for cycle in first where !cycle.trigger.isBit {
        SimulatedTag.show(Double(cycle.count), of: cycle.trigger.tag, in: &registers)
        if let acknowledge = cycle.trigger.acknowledge {
          SimulatedTag.show(Double(cycle.count), of: acknowledge, in: &registers)
        }
      }
    }
  }

  /// What a reader must find now: the groups without a trigger in the order of the map, then the last cycles' blocks.
  var values: [(tag: ModbusTag, value: Ledger.Value)] {
    (process + cycles.flatMap(\.block)).map { ($0.tag, $0.value) }
  }

  /// Moves the process values a little.
  func drift() {
    for index in process.indices { process[index].drift(using: &numbers) }
    showProcess()
  }

  /// Moves the process values as each is told to, `elapsed` after the start.
  func move(_ motions: Motions, elapsed: Duration) {
    for index in process.indices {
      process[index].move(motions[process[index].tag.name], elapsed: elapsed, using: &numbers)
    }
    showProcess()
  }

  private func showProcess() {
    let values = process
    server.update { registers in for tag in values { tag.show(in: &registers) } }
  }

  /// Makes a cycle and waits until it is acknowledged, if the map has an acknowledge; nil if the task was cancelled.
  ///
  /// - Parameters:
  ///   - place: which of `cycleGroups`.
  ///   - hiding: so many cycles before it that no reader can see, since the counter passes over them.
  func cycle(_ place: Int = 0, hiding: UInt64 = 0) async -> Made? {
    guard cycles.indices.contains(place) else { return nil }
    for index in cycles[place].block.indices { cycles[place].block[index].draw(using: &numbers) }
    let trigger = cycles[place].trigger
    cycles[place].count = trigger.isBit ? 1 : (cycles[place].count + 1 + hiding) % trigger.wraps
    let (made, values) = (cycles[place].count, cycles[place].block)
    let shown = Moment.now().time
    server.update { registers in
      for tag in values { tag.show(in: &registers) }
      SimulatedTag.show(Double(made), of: trigger.tag, in: &registers)
    }
    if let acknowledge = trigger.acknowledge {
      guard await wait(for: made, at: acknowledge, of: place) else { return nil }
    } else if trigger.isBit, await !hold(place) {
      return nil
    }
    let acknowledged = Moment.now().time
    if trigger.isBit, await !takeBack(trigger, of: place) { return nil }
    let result = values.first { $0.tag.role == "result" }?.value.asResult
    return Made(
      group: cycles[place].group.name, trigger: made,
      values: Dictionary(values.map { ($0.tag.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
      result: result, shown: shown, acknowledged: acknowledged)
  }

  /// The second half of a handshake by bits: the trigger falls, then the acknowledge does.
  private func takeBack(_ trigger: ModbusTrigger, of place: Int) async -> Bool {
    server.update { registers in SimulatedTag.show(0, of: trigger.tag, in: &registers) }
    guard let acknowledge = trigger.acknowledge else { return await hold(place) }
    return await wait(for: 0, at: acknowledge, of: place)
  }

  /// Leaves a bit that nobody acknowledges as it is for so long that who reads at the map's rate sees it.
  private func hold(_ place: Int) async -> Bool {
    (try? await Task.sleep(for: cycles[place].group.every * 3)) != nil
  }

  private func wait(for value: UInt64, at acknowledge: ModbusTag, of place: Int) async -> Bool {
    func isThere() -> Bool { server.update { SimulatedTag.number(of: acknowledge, in: $0) } == value }
    if isThere() { return true }
    var writes = cycles[place].writes.makeAsyncIterator()
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
