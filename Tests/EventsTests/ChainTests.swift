import Events
import Testing

@Suite struct `A batch is what its chain says` {
  let source = SourceName("pc1")!
  let incarnation = Incarnation("0123456789abcdef0123456789abcdef")!

  func lines(_ count: Int, from first: UInt64 = 1) -> [[UInt8]] {
    (0..<count).map { index in
      Event(
        StoppedData(why: "n\(index)"), at: Moment(time: Timestamp(microseconds: 7), boottimeNanoseconds: 1),
        subject: "s"
      )
      .line(source: source, incarnation: incarnation, sequence: first + UInt64(index))
    }
  }

  func batch(_ lines: [[UInt8]], first: UInt64 = 1, previous: ChainHash = .zero) -> Batch {
    let head = lines.reduce(previous) { $0.extended(by: $1) }
    return Batch(incarnation: incarnation, first: first, previous: previous, head: head, lines: lines)
  }

  @Test func `the hash is the one that the contract's formula gives`() {
    // Computed apart with sha256sum: sha256(32 zero bytes || sha256("abc")).
    let digest = hex(ChainHash.digest(of: Array("abc".utf8)))
    #expect(digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      ChainHash.zero.extended(by: Array("abc".utf8)).description
        == "589f9ffed4c477966bfb8d41f37895b08c69047df8f911d6f3b57fbe08faee8d")
    #expect(ChainHash.zero.extended(by: Array("abc".utf8)) == ChainHash.zero.extended(by: Array(("#" + digest).utf8)))
  }

  @Test func `headers and body read back to the same batch`() throws {
    var sent = batch(lines(3))
    sent.waiting = 4711
    let headers = Dictionary(uniqueKeysWithValues: sent.headers.map { ($0.name.lowercased(), $0.value) })
    let read = try Batch(body: sent.body) { headers[$0.lowercased()] }
    #expect(read == sent)
    #expect(try VerifiedBatch(read, from: source).hashes.last == sent.head)
  }

  @Test func `a flipped bit anywhere in any line is found`() throws {
    let good = lines(2)
    let sent = batch(good)
    for index in stride(from: 0, to: good[1].count, by: 7) {
      var bent = good
      bent[1][index] ^= 1
      let altered = Batch(incarnation: incarnation, first: 1, previous: .zero, head: sent.head, lines: bent)
      #expect(throws: BatchFault.self) { try VerifiedBatch(altered, from: source) }
    }
  }

  @Test func `lines moved, left out or of another source are refused`() throws {
    let good = lines(3)
    #expect(throws: BatchFault.self) { try VerifiedBatch(batch([good[1], good[0]]), from: source) }
    #expect(throws: BatchFault.self) { try VerifiedBatch(batch([good[0], good[2]]), from: source) }
    #expect(throws: BatchFault.self) { try VerifiedBatch(batch(good), from: SourceName("pc2")!) }
    #expect(throws: BatchFault.self) { try VerifiedBatch(batch(good, first: 2), from: source) }
  }

  @Test func `a digest may stand for a line that is not given`() throws {
    let good = lines(3)
    let whole = batch(good)
    let held = Array(("#" + hex(ChainHash.digest(of: good[1]))).utf8)
    let sent = Batch(
      incarnation: incarnation, first: 1, previous: .zero, head: whole.head, lines: [good[0], held, good[2]])
    let verified = try VerifiedBatch(sent, from: source)
    #expect(verified.envelopes.map { $0 == nil } == [false, true, false])
  }

  @Test func `a body that was cut is told from a whole one`() {
    let sent = batch(lines(2))
    let headers = Dictionary(uniqueKeysWithValues: sent.headers.map { ($0.name, $0.value) })
    #expect(throws: BatchFault.unfinished) { try Batch(body: sent.body.dropLast()) { headers[$0] } }
    #expect(throws: BatchFault.header(Batch.Header.head, found: nil)) {
      try Batch(body: sent.body) { $0 == Batch.Header.head ? nil : headers[$0] }
    }
  }

  @Test func `numbers declared lost stand right before the first line`() throws {
    let sent = batch(lines(1, from: 5), first: 5)
    var headers = Dictionary(uniqueKeysWithValues: sent.headers.map { ($0.name, $0.value) })
    headers[Batch.Header.lost] = "3-4"
    #expect(try Batch(body: sent.body) { headers[$0] }.lost == 3...4)
    headers[Batch.Header.lost] = "2-3"
    #expect(throws: BatchFault.self) { try Batch(body: sent.body) { headers[$0] } }
    headers[Batch.Header.lost] = "4-3"
    #expect(throws: BatchFault.self) { try Batch(body: sent.body) { headers[$0] } }
  }
}
