import Compression

@testable import Events

/// What comes over the link: packed bodies, batches, the events' envelopes.
extension FuzzTarget {
  /// Packed bodies: as they are, and sound ones with one byte altered.
  ///
  /// What is unpacked is never more than the limit, nothing altered comes through, and packing is undone.
  static let inflate = FuzzTarget(name: "inflate", longest: 4096) { input in
    let limit = 1 << 16
    if let bytes = try? Gzip.inflate(input, limit: limit) {
      claim(bytes.count <= limit, "\(bytes.count) bytes are more than \(limit)")
      claim((try? Gzip.inflate(Gzip.deflate(bytes), limit: bytes.count)) == bytes, "packed again it is another")
    }
    guard input.count > 4 else { return }
    let payload = Array(input.dropFirst(4))
    let packed = Gzip.deflate(payload)
    claim((try? Gzip.inflate(packed, limit: payload.count)) == payload, "what was packed is unpacked as another")
    claim((try? Gzip.inflate(packed, limit: payload.count - 1)) == nil, "the limit does not hold")
    var altered = packed
    altered[(Int(input[0]) << 8 | Int(input[1])) % packed.count] ^= input[2]
    guard let bytes = try? Gzip.inflate(altered, limit: limit) else { return }
    claim(bytes == payload, "an altered stream was taken")
  }

  /// Batches: five lines of headers (incarnation, first, previous, head, lost; the last may be empty), then the body.
  ///
  /// A batch that is read gives the same bytes again, and its chain is followed as anybody would.
  static let batch = FuzzTarget(name: "batch", longest: 2048) { input in
    let parts = input.split(separator: 0x0A, maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 6 else { return }
    let names = [
      Batch.Header.incarnation, Batch.Header.first, Batch.Header.previous, Batch.Header.head, Batch.Header.lost,
    ]
    let given = zip(names, parts).map { ($0, String(decoding: $1, as: UTF8.self)) }.filter { !$0.1.isEmpty }
    let headers = Dictionary(uniqueKeysWithValues: given)
    guard let batch = try? Batch(body: parts[5], header: { headers[$0] }) else { return }
    claim(batch.body == Array(parts[5]), "the body is written as another")
    let again = Dictionary(uniqueKeysWithValues: batch.headers.map { ($0.name, $0.value) })
    claim(again == headers, "headers are written as \(again), not as \(headers)")
    // The head that the lines lead to, which chance would never find.
    let head = batch.lines.reduce(batch.previous) { $0.extended(by: $1) }
    let whole = Batch(
      incarnation: batch.incarnation, first: batch.first, previous: batch.previous, head: head, lost: batch.lost,
      lines: batch.lines)
    guard let source = SourceName("plant1.line3.pc1"), let verified = try? VerifiedBatch(whole, from: source) else {
      return
    }
    claim(verified.hashes.count == batch.lines.count && verified.hashes.last ?? head == head, "another chain")
    for (number, envelope) in zip(batch.first..., verified.envelopes) {
      claim(envelope.map { $0.id.sequence == number && $0.source == source } ?? true, "event \(number) is another")
    }
  }

  /// The envelopes of lines: what the scan over the bytes finds is what reading all of the JSON finds, where it can be read.
  static let envelope = FuzzTarget(name: "envelope", longest: 1024) { input in
    // Numbers beyond all doubles and halves of surrogate pairs are JSON by its grammar (RFC 8259), and cannot be read.
    guard let found = try? Envelope(line: input), isUTF8(input), let json = JSON(input) else { return }
    func field(_ name: String) -> JSON? { json.members?.last { $0.name == name }?.value }
    claim(field("specversion")?.text == "1.0", "specversion is another")
    claim(field("id")?.text == found.id.description, "id is another")
    claim(field("source")?.text == found.source.description, "source is another")
    claim(field("type")?.text == found.type, "type is another")
    claim(field("subject")?.text == found.subject, "subject is another")
    claim(field("time")?.time == found.time, "time is another")
    claim(field("boottime")?.text == String(found.boottimeNanoseconds), "boottime is another")
    claim(input.indices.contains(found.data.lowerBound) && found.data.upperBound <= input.count, "data is elsewhere")
    claim(JSON(input[found.data]) == field("data"), "data is another")
  }
}
