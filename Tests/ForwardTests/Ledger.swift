import Events

/// A central in memory: keeps each incarnation once and in order, and every other branch as evidence.
actor Ledger {
  struct Life {
    var lines: [[UInt8]] = []
    var hashes: [ChainHash] = [.zero]
  }

  private(set) var lives: [Incarnation: Life] = [:]
  private(set) var conflicts: Set<[UInt8]> = []
  private(set) var batches = 0
  private(set) var heard: [SourceName: Int] = [:]

  func hear(_ source: SourceName) { heard[source, default: 0] += 1 }

  func lines(of incarnation: Incarnation) -> [[UInt8]] { lives[incarnation]?.lines ?? [] }

  /// What a central that was restored from a backup has.
  func goBack(to count: Int) {
    lives = lives.mapValues { life in
      Life(lines: Array(life.lines.prefix(count)), hashes: Array(life.hashes.prefix(count + 1)))
    }
  }

  /// Another PC with a copy of the queue was here before.
  func fill(with chain: Chain) { lives[chain.incarnation] = Life(lines: chain.lines, hashes: chain.hashes) }

  func receipt(_ source: SourceName, _ incarnation: Incarnation) -> Receipt {
    let life = lives[incarnation] ?? Life()
    let through = UInt64(life.lines.count)
    return Receipt(
      source: source, incarnation: incarnation, receivedThrough: through, head: life.hashes[life.lines.count],
      safeThrough: through)
  }

  /// Whether two lines are one event, where a digest may stand for either.
  private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    (ChainHash.heldDigest(a) ?? ChainHash.digest(of: a)) == (ChainHash.heldDigest(b) ?? ChainHash.digest(of: b))
  }

  func take(_ source: SourceName, _ batch: Batch) throws -> IngestAnswer {
    let verified = try VerifiedBatch(batch, from: source)
    batches += 1
    var life = lives[batch.incarnation] ?? Life()
    let through = UInt64(life.lines.count)
    guard batch.first <= through + 1 || batch.lost.map({ $0.lowerBound <= through + 1 }) == true
    else { return .hole(position: through + 1, receipt(source, batch.incarnation)) }
    // What is declared lost has empty lines.
    while life.lines.count + 1 < batch.first {
      life.lines.append([])
      life.hashes.append(batch.previous)
    }
    var isOther = life.hashes[Int(batch.first - 1)] != batch.previous
    for (index, line) in batch.lines.enumerated() {
      let number = Int(batch.first) + index
      if isOther || (number <= life.lines.count && !Self.isSame(life.lines[number - 1], line)) {
        isOther = true
        conflicts.insert(line)
      } else if number <= life.lines.count {
        if ChainHash.heldDigest(line) == nil { life.lines[number - 1] = line }
      } else if number > life.lines.count {
        life.lines.append(line)
        life.hashes.append(verified.hashes[index])
      }
    }
    if isOther { return .conflict(position: batch.first, receipt(source, batch.incarnation)) }
    lives[batch.incarnation] = life
    return .receipt(receipt(source, batch.incarnation))
  }
}
