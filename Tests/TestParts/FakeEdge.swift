public import Events

/// A line PC for tests of the central: makes events with their chain, and batches of them, without a queue.
public struct FakeEdge: Sendable {
  public let source: SourceName
  public let incarnation: Incarnation
  public private(set) var lines: [[UInt8]] = []
  public private(set) var hashes: [ChainHash] = []
  /// Moves on by a second with each event, unless a test sets it.
  public var now: Timestamp
  /// The boot clock, which moves on likewise, and which nobody sets but a new boot.
  public var uptime = Duration.seconds(81_234)

  public init(_ source: String = "plant1.line3.pc1", at start: String = "2026-11-23T08:00:00Z", seed: UInt8? = nil) {
    self.source = SourceName(source)!
    incarnation = seed.map { Incarnation(hex([UInt8](repeating: $0, count: 16)))! } ?? .random()
    now = Timestamp(start)!
  }

  public var last: UInt64 { UInt64(lines.count) }
  public var head: ChainHash { hashes.last ?? .zero }

  /// Adds an event and gives its number.
  @discardableResult
  public mutating func add(_ data: some EventData, subject: String, at time: Timestamp? = nil) -> UInt64 {
    if time == nil { pass(.seconds(1)) }
    let moment = Moment(time: time ?? now, boottimeNanoseconds: UInt64(uptime.wholeMicroseconds) * 1000)
    return add(
      line: Event(data, at: moment, subject: subject).line(
        source: source, incarnation: incarnation, sequence: last + 1))
  }

  /// Lets time go on, on both clocks.
  public mutating func pass(_ time: Duration) {
    now = now.adding(time)
    uptime += time
  }

  /// Adds a line as it is.
  @discardableResult
  public mutating func add(line: [UInt8]) -> UInt64 {
    lines.append(line)
    hashes.append(head.extended(by: line))
    return last
  }

  /// The events of these numbers as a batch.
  public func batch(_ numbers: ClosedRange<UInt64>? = nil, lost: ClosedRange<UInt64>? = nil) -> Batch {
    guard let numbers = numbers ?? (lines.isEmpty ? nil : 1...last) else {
      return Batch(incarnation: incarnation, first: 1, previous: .zero, head: .zero, lines: [])
    }
    return Batch(
      incarnation: incarnation, first: numbers.lowerBound, previous: hash(numbers.lowerBound - 1),
      head: hash(numbers.upperBound), lost: lost,
      lines: Array(lines[Int(numbers.lowerBound - 1)..<Int(numbers.upperBound)]))
  }

  /// What a queue says of an incarnation that it has ended: a batch without lines, behind the last one.
  public func end() -> Batch { Batch(incarnation: incarnation, first: last + 1, previous: head, head: head, lines: []) }

  /// The hash after event `number`.
  public func hash(_ number: UInt64) -> ChainHash { number == 0 ? .zero : hashes[Int(number - 1)] }
}

extension FakeEdge {
  /// Settings with a scanner and a PLC at each station.
  @discardableResult
  public mutating func config(_ stations: String..., grey: String = "{ cycles: 1, time: 0s }") -> UInt64 {
    var text = "source: \(source)\nstations:\n"
    for station in stations {
      text += """
          \(station):
            places: { coil: { grey: \(grey) } }
            devices:
              plc-\(station): { map: press, address: "127.0.0.1:502" }
              gun-\(station): { map: scanner, port: /dev/gun }

        """
    }
    return add(ConfigData(file: "/etc/lotline/edge.yaml", text: text), subject: source.description)
  }

  /// A code is scanned and sets a field of the station's context; gives the number of the scan.
  @discardableResult
  public mutating func set(_ field: String, _ value: String, from former: String? = nil, at station: String) -> UInt64 {
    let scan = add(
      ScanData(
        device: "gun-\(station)", raw: Array(value.utf8), text: value, roles: [.init(field, value)],
        stamp: Stamp(station: station)), subject: station)
    add(
      ContextData(station: station, field: field, from: former, to: value, how: .scanned, by: .sequence(scan)),
      subject: station)
    return scan
  }

  /// A cycle with the fields in effect, each with the number of the event that set it.
  @discardableResult
  public mutating func cycle(
    at station: String, _ fields: [String: (value: String, by: UInt64)], product: String? = "P9",
    tags: [Tag] = [Tag("peak-force", .double(101.5))], result: String? = "pass", unsure: [ScanData.Role] = []
  ) -> UInt64 {
    var stamp = Stamp(station: station)
    for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
      stamp.fields.append(.init(name: name, value: field.value, by: .sequence(field.by)))
    }
    if let product { stamp.fields.append(.init(name: "product", value: product, by: nil)) }
    return add(
      CycleData(
        device: "plc-\(station)", trigger: last, after: now, tags: tags, result: result, unsure: unsure, stamp: stamp),
      subject: station)
  }
}

extension FakeEdge {
  /// The PC is started: its boot clock begins anew, its wall clock says whatever its battery kept.
  @discardableResult
  public mutating func boot(_ name: String, at time: String, isSynchronised: Bool = false) -> UInt64 {
    (now, uptime) = (Timestamp(time)!, .seconds(20))
    return start(name, isSynchronised: isSynchronised)
  }

  /// The daemon is started, in a boot of this name.
  @discardableResult
  public mutating func start(_ boot: String, isSynchronised: Bool = false) -> UInt64 {
    add(
      StartedData(
        boot: boot, version: "1", host: "pc", clockSynchronised: isSynchronised, clockErrorSeconds: 0.1),
      subject: source.description)
  }

  /// The clock is set, or gains or loses its time source; the edge notices with its next look.
  @discardableResult
  public mutating func setClock(to time: String? = nil, isSynchronised: Bool) -> UInt64 {
    let former = now
    if let time { now = Timestamp(time)! }
    return add(
      ClockData(from: former, to: now, synchronised: isSynchronised, errorSeconds: 0.1), subject: source.description)
  }
}
