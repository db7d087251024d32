private import Glibc

/// Consecutive lines of one incarnation with the chain's hash before them: what push and pull both carry.
///
/// A batch never spans a hole. Numbers that are lost for good may stand before its first line, declared.
public struct Batch: Sendable, Hashable {
  public let incarnation: Incarnation
  /// The first line's number; where there are no lines, the number that would come next.
  public let first: UInt64
  /// The hash before the first line.
  public let previous: ChainHash
  /// The hash after the last line as the sender claims it.
  public let head: ChainHash
  /// Numbers right before `first` that nobody has any more.
  public let lost: ClosedRange<UInt64>?
  /// Without newlines.
  public let lines: [[UInt8]]
  /// How many events stood behind the last line where the batch was read; nil where that is not said.
  public var waiting: UInt64?

  public init(
    incarnation: Incarnation, first: UInt64, previous: ChainHash, head: ChainHash, lost: ClosedRange<UInt64>? = nil,
    lines: [[UInt8]]
  ) {
    self.incarnation = incarnation
    self.first = first
    self.previous = previous
    self.head = head
    self.lost = lost
    self.lines = lines
  }

  /// This batch and the one that follows it as one; nil where `next` does not continue it.
  public func joined(with next: Batch) -> Batch? {
    guard next.incarnation == incarnation, next.first == last + 1, next.previous == head, next.lost == nil,
      !next.lines.isEmpty
    else { return nil }
    var joined = Batch(
      incarnation: incarnation, first: first, previous: previous, head: next.head, lost: lost,
      lines: lines + next.lines)
    joined.waiting = next.waiting
    return joined
  }

  /// The number of the last line; `first - 1` where there are none.
  public var last: UInt64 { first + UInt64(lines.count) - 1 }

  /// The names of the headers that carry what is not in the lines (design.md, section 6).
  public enum Header {
    public static let incarnation = "Lotline-Incarnation"
    public static let first = "Lotline-First"
    public static let previous = "Lotline-Previous"
    public static let head = "Lotline-Head"
    public static let lost = "Lotline-Lost"
    public static let waiting = "Lotline-Waiting"
  }

  /// The headers, by name.
  public var headers: [(name: String, value: String)] {
    var headers = [
      (Header.incarnation, incarnation.description), (Header.first, String(first)),
      (Header.previous, previous.description), (Header.head, head.description),
    ]
    if let lost { headers.append((Header.lost, "\(lost.lowerBound)-\(lost.upperBound)")) }
    if let waiting { headers.append((Header.waiting, String(waiting))) }
    return headers
  }

  /// The body: NDJSON, one line an event, each ended by a newline.
  public var body: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.reduce(0) { $0 + $1.count + 1 })
    for line in lines {
      bytes.append(contentsOf: line)
      bytes.append(0x0A)
    }
    return bytes
  }

  /// Reads headers and body; `header` looks a header up by name, whatever its case.
  public init(body: some Collection<UInt8>, header: (String) -> String?) throws(BatchFault) {
    func need<Value>(_ name: String, _ read: (String) -> Value?) throws(BatchFault) -> Value {
      guard let text = header(name) else { throw .header(name, found: nil) }
      guard let value = read(text) else { throw .header(name, found: text) }
      return value
    }
    incarnation = try need(Header.incarnation) { Incarnation($0) }
    first = try need(Header.first) { Self.number($0).flatMap { (1...EventID.highestSequence).contains($0) ? $0 : nil } }
    previous = try need(Header.previous) { ChainHash($0) }
    head = try need(Header.head) { ChainHash($0) }
    lost = try header(Header.lost) == nil ? nil : need(Header.lost) { Self.range($0) }
    if let lost, lost.upperBound + 1 != first { throw .header(Header.lost, found: header(Header.lost)) }
    waiting = try header(Header.waiting) == nil ? nil : need(Header.waiting) { Self.number($0) }
    let cut = body.withContiguousStorageIfAvailable { Self.cut($0) }
    guard let lines = cut ?? ContiguousArray(body).withUnsafeBufferPointer({ Self.cut($0) }) else { throw .unfinished }
    self.lines = lines
  }

  /// The lines without their newlines; nil where the last has none.
  private static func cut(_ body: UnsafeBufferPointer<UInt8>) -> [[UInt8]]? {
    var lines: [[UInt8]] = []
    var start = 0
    while start < body.count {
      guard let from = body.baseAddress.map({ $0 + start }), let newline = memchr(from, 0x0A, body.count - start)
      else { return nil }
      let count = UnsafeRawPointer(newline) - UnsafeRawPointer(from)
      lines.append(Array(body[start..<start + count]))
      start += count + 1
    }
    return lines
  }

  /// A number in its one form: digits alone, none of them a leading zero.
  private static func number(_ text: some StringProtocol) -> UInt64? {
    UInt64(text).flatMap { String($0) == text ? $0 : nil }
  }

  private static func range(_ text: String) -> ClosedRange<UInt64>? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let low = number(parts[0]), let high = number(parts[1]), low >= 1, low <= high,
      high < EventID.highestSequence
    else { return nil }
    return low...high
  }
}

/// Why a batch is not taken as it came.
public enum BatchFault: Error, Sendable, Hashable, CustomStringConvertible {
  case header(String, found: String?)
  /// The body does not end with a newline: it was cut.
  case unfinished
  case line(UInt64, Envelope.Fault)
  /// A line has bytes that are not UTF-8: no JSON, which would break every answer that it is in.
  case notUTF8(UInt64)
  /// A line's id or source is not what its place in the batch says.
  case misplaced(UInt64, found: String)
  /// The lines do not lead to the head that the sender claims.
  case head(expected: ChainHash, found: ChainHash)

  public var description: String {
    switch self {
    case .header(let name, nil): "the header \(name) is missing"
    case .header(let name, let found?): "the header \(name) has not the form that is asked for: \"\(found.prefix(80))\""
    case .unfinished: "the body does not end with a newline, so it was cut on its way"
    case .line(let number, let fault): "event \(number): \(fault)"
    case .notUTF8(let number): "event \(number): its line is not valid UTF-8, so it is no JSON (RFC 8259)"
    case .misplaced(let number, let found): "event \(number) says that it is \(found.prefix(160))"
    case .head(let expected, let found):
      "the lines lead to hash \(found), the sender says \(expected): they were altered on their way, or before"
    }
  }
}

/// A batch whose lines were all read and whose chain was followed from the bytes: fit to be stored.
public struct VerifiedBatch: Sendable {
  public let source: SourceName
  public let batch: Batch
  /// One per line; nil where a digest stands for the line.
  public let envelopes: [Envelope?]
  /// The hash after each line.
  public let hashes: [ChainHash]

  /// Follows the chain and checks each line's envelope, source and number.
  public init(_ batch: Batch, from source: SourceName) throws(BatchFault) {
    var envelopes: [Envelope?] = []
    var hashes: [ChainHash] = []
    envelopes.reserveCapacity(batch.lines.count)
    hashes.reserveCapacity(batch.lines.count)
    var hash = batch.previous
    var like: Envelope?
    for (index, line) in batch.lines.enumerated() {
      let number = batch.first + UInt64(index)
      if let digest = ChainHash.heldDigest(line) {
        envelopes.append(nil)
        hash = hash.extended(byDigest: digest)
      } else {
        let envelope = try Self.envelope(of: line, number: number, like: like, batch: batch, source: source)
        envelopes.append(envelope)
        like = envelope
        hash = hash.extended(byDigest: ChainHash.digest(of: line))
      }
      hashes.append(hash)
    }
    guard hash == batch.head else { throw .head(expected: batch.head, found: hash) }
    self.source = source
    self.batch = batch
    self.envelopes = envelopes
    self.hashes = hashes
  }

  private static func envelope(of line: [UInt8], number: UInt64, like: Envelope?, batch: Batch, source: SourceName)
    throws(BatchFault) -> Envelope
  {
    guard isUTF8(line) else { throw .notUTF8(number) }
    let envelope: Envelope
    do { envelope = try Envelope(line: line, like: like) } catch { throw .line(number, error) }
    guard envelope.id.sequence == number, envelope.id.incarnation == batch.incarnation, envelope.source == source
    else { throw .misplaced(number, found: "\(envelope.id) of \(envelope.source)") }
    return envelope
  }
}
