import Testing

@testable import Compression

struct GzipTests {
  private func bytes(_ count: Int, of kinds: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0..<UInt8(kinds)) }
  }

  @Test(arguments: [0, 1, 1023, 65_536, 65_537, 3_000_000])
  func `what was packed is unpacked to the same bytes, and what does not fit is refused`(_ count: Int) throws {
    for kinds in [1, 4, 255] {
      let plain = bytes(count, of: kinds)
      let packed = Gzip.deflate(plain)
      #expect(packed.prefix(2) == [0x1F, 0x8B])
      #expect(try Gzip.inflate(packed, limit: count) == plain)
      guard count > 0 else { continue }
      #expect(throws: GzipFault.tooLarge(limit: count - 1)) { try Gzip.inflate(packed, limit: count - 1) }
    }
  }

  @Test func `a stream may come in parts of any size`() throws {
    let plain = bytes(200_000, of: 9)
    let packed = Gzip.deflate(plain)
    for step in [1, 7, 4096, packed.count] {
      let inflater = Inflater(limit: plain.count)
      var from = 0
      while from < packed.count {
        let to = min(packed.count, from + step)
        try packed[from..<to].withUnsafeBytes { try inflater.take($0) }
        from = to
      }
      #expect(try inflater.finish() == plain)
    }
  }

  @Test func `a cut stream, a damaged one, and one with more behind it are refused`() throws {
    let packed = Gzip.deflate(bytes(5000, of: 40))
    for end in [0, 1, 9, 10, packed.count / 2, packed.count - 1] {
      #expect(throws: GzipFault.cut) { try Gzip.inflate(Array(packed[..<end]), limit: 10_000) }
    }
    #expect(throws: GzipFault.self) { try Gzip.inflate(packed + [0], limit: 10_000) }
    #expect(throws: GzipFault.self) { try Gzip.inflate(packed + packed, limit: 100_000) }
    #expect(throws: GzipFault.self) { try Gzip.inflate(Array("plain text, by mistake".utf8), limit: 10_000) }
    var damaged = packed
    damaged[packed.count - 6] ^= 0x10
    #expect(throws: GzipFault.self, "the checksum") { try Gzip.inflate(damaged, limit: 10_000) }
  }

  @Test func `a bomb ends at the limit, and its memory with it`() throws {
    // Ten kilobytes that would be ten megabytes.
    let bomb = Gzip.deflate([UInt8](repeating: 0, count: 10 << 20))
    #expect(bomb.count < 100_000)
    let inflater = Inflater(limit: 1 << 20)
    #expect(throws: GzipFault.tooLarge(limit: 1 << 20)) { try bomb.withUnsafeBytes { try inflater.take($0) } }
    #expect(inflater.held <= 1 << 20 + 1)
  }
}
