import Devices
import Events
import Foundation

/// A simulated device that a technician, or a test, plays with.
protocol Play: Sendable {
  /// Says where it is and what it shows.
  func announce() async
  /// Plays until the task is cancelled, or nothing is left to do by itself.
  func run() async throws
}

/// How fast a simulation goes.
struct Pace: Sendable {
  /// Between two cycles, or two codes.
  let every: Duration
  /// Between two accounts of all values; nil: none.
  let tell: Duration?
}

/// Says what a simulated device does, for people or programs.
struct Teller: Sendable {
  let name: String
  /// Whether people need the name to tell it from others.
  let isOneOfMany: Bool
  let json: Bool

  func tell(_ text: @autoclosure () -> String, _ fields: (inout JSONWriter) -> Void) {
    guard json else {
      OutputOptions.printLine(Array(visible((isOneOfMany ? "\(name): " : "") + text()).utf8))
      return
    }
    var writer = JSONWriter()
    writer.object { line in
      line.field("device", name)
      fields(&line)
    }
    OutputOptions.printLine(writer.bytes)
  }
}

/// A simulated PLC: says what it shows and what is written to it.
struct PLCPlay: Play {
  let plc: SimulatedPLC
  let pace: Pace
  let motions: Motions
  let teller: Teller

  func announce() async {
    let values = await plc.values
    let isSerial = plc.server.port == 0
    let address = isSerial ? plc.server.host : "127.0.0.1:\(plc.server.port)"
    teller.tell("\(plc.name) listens on \(address)") { line in
      line.field("kind", "modbus")
      line.field("address", address)
      line.key("tags")
      line.array { list in
        for (tag, value) in values {
          list.object { item in
            item.field("tag", tag.name)
            item.field("at", tag.address.text)
            item.field("table", tag.address.table.rawValue)
            item.field("address", tag.address.number)
            item.field("type", tag.type.rawValue)
            item.field("value", value.json)
          }
        }
      }
    }
  }

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        let start = ContinuousClock.now
        while true {
          try await Task.sleep(for: .milliseconds(250))
          await plc.move(motions, elapsed: ContinuousClock.now - start)
        }
      }
      for place in plc.cycleGroups.indices { group.addTask { try await makeCycles(place) } }
      if let often = pace.tell, teller.json {
        group.addTask {
          while true {
            try await Task.sleep(for: often)
            await tellValues()
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func tellValues() async {
    let values = await plc.values
    teller.tell("") { line in
      line.field("time", Moment.now().time)
      line.key("values")
      line.object { inner in for (tag, value) in values { inner.field(tag.name, value.json) } }
    }
  }

  private func makeCycles(_ place: Int) async throws {
    let trigger = plc.cycleGroups[place].trigger
    while true {
      try await Task.sleep(for: pace.every)
      guard let made = await plc.cycle(place) else { throw CancellationError() }
      let values = made.values.sorted { $0.key < $1.key }
      let wait = made.acknowledged.since(made.shown)
      let word = trigger?.acknowledge == nil ? "nothing to wait for" : "acknowledged after \(wait.formatted)"
      let group = plc.cycleGroups.count > 1 ? "\(made.group) " : ""
      let shown = values.map { "\($0.key) \($0.value.shown)" }.joined(separator: ", ")
      teller.tell("\(group)cycle \(made.trigger): \(shown); \(word)") { line in
        line.field("group", made.group)
        line.field("cycle", made.trigger)
        line.field("shown", made.shown)
        line.field("acknowledged", made.acknowledged)
        line.key("values")
        line.object { inner in for (name, value) in values { inner.field(name, value.json) } }
      }
    }
  }
}

/// What a simulated scanner hangs on.
enum ScannerWire: Sendable {
  case terminal(SimulatedScanner)
  case network(ListeningScanner)

  var address: String {
    switch self {
    case .terminal(let scanner): scanner.link
    case .network(let scanner): "127.0.0.1:\(scanner.port)"
    }
  }

  /// What is answered to a frame within two seconds; nil where nobody is there to read it.
  func scan(_ frame: [UInt8]) async throws -> [UInt8]? {
    switch self {
    case .terminal(let scanner): try await scanner.scan(frame, answerWithin: .seconds(2))
    case .network(let scanner): try await scanner.scan(frame, answerWithin: .seconds(2))
    }
  }
}

/// A simulated scanner: sends codes, shows the answers.
struct ScannerPlay: Play {
  let name: String
  let wire: ScannerWire
  let map: ScannerMap
  let codes: [String]
  let pace: Pace
  let teller: Teller

  func announce() async {
    let typing = teller.isOneOfMany ? "type \(name): CODE and Return" : "type a code and Return"
    let place = if case .network = wire { "listens on" } else { "is plugged in at" }
    teller.tell(
      "a scanner \(place) \(wire.address)" + (codes.isEmpty ? "; \(typing) to scan it" : "")
    ) { line in
      line.field("kind", "serial")
      line.field("address", wire.address)
    }
  }

  func run() async throws {
    guard !codes.isEmpty else { return }
    while true {
      for code in codes {
        try await send(code)
        try await Task.sleep(for: pace.every)
      }
    }
  }

  /// Scans a code, written as `lotline explain` takes it.
  func send(_ code: String) async throws {
    let bytes = try typedCode(code)
    let text = String(decoding: bytes, as: UTF8.self)
    let heard = try await wire.scan(map.frame.frame(of: bytes))
    let answer = heard ?? []
    let word =
      switch answer {
      case []: heard == nil ? "nobody is connected" : "no answer"
      case map.acknowledge.accepted: "accepted"
      case map.acknowledge.refused: "refused"
      default: "answered"
      }
    teller.tell("\(text): \(word)\(answer.isEmpty ? "" : " (\(escaped(answer)))")") { line in
      line.field("code", text)
      line.field("answer", hex(answer))
      line.field("meaning", word)
    }
  }
}

extension Ledger.Value {
  var json: JSON {
    switch self {
    case .number(let number): .double(number)
    case .text(let text): .string(text)
    case .flag(let flag): .bool(flag)
    }
  }
}
