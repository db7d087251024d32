import Events

/// A queue's events as a test wants them: real lines with a real chain.
struct Chain {
  let source: SourceName
  let incarnation: Incarnation
  private(set) var lines: [[UInt8]] = []
  private(set) var hashes: [ChainHash] = [.zero]

  init(source: String = "plant1.line3.pc1", incarnation: Incarnation = .random(), count: Int = 0, salt: String = "") {
    self.source = SourceName(source) ?? SourceName("x")!
    self.incarnation = incarnation
    append(count, salt: salt)
  }

  mutating func append(_ count: Int, salt: String = "") {
    for _ in 0..<count {
      let number = UInt64(lines.count + 1)
      let event = Event(
        DeviceData(device: "press-1", state: .offline, reason: "\(salt)\(number)"),
        at: Moment(time: Timestamp(microseconds: Int64(number)), boottimeNanoseconds: number), subject: "ST10")
      let line = event.line(source: source, incarnation: incarnation, sequence: number)
      lines.append(line)
      hashes.append(hashes[hashes.count - 1].extended(by: line))
    }
  }

  func batch(after: UInt64, limit: Int = 1000) -> Batch {
    let from = Int(after)
    let to = min(lines.count, from + limit)
    return Batch(
      incarnation: incarnation, first: after + 1, previous: hashes[from], head: hashes[to],
      lines: Array(lines[from..<to]))
  }

  func receipt(_ through: UInt64, head: ChainHash? = nil, safe: UInt64? = nil) -> Receipt {
    Receipt(
      source: source, incarnation: incarnation, receivedThrough: through, head: head ?? hashes[Int(through)],
      safeThrough: safe ?? through)
  }
}
