private import CZlib

/// Why compressed bytes are not taken.
public enum GzipFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// Inflated they are more than the limit, in bytes; how much more is not known, since it ends there.
  case tooLarge(limit: Int)
  /// They are not a gzip stream (RFC 1952), were altered, or go on behind its end.
  case malformed(String)
  /// They end before the stream does.
  case cut

  public var description: String {
    switch self {
    case .tooLarge(let limit): "inflated it is larger than \(limit) bytes"
    case .malformed(let why): "it is no gzip stream, or was altered on its way (\(why))"
    case .cut: "its gzip stream ends before its end: it was cut on its way"
    }
  }
}

/// Packs bytes as HTTP's `gzip` (RFC 1952) does.
public enum Gzip {
  /// The bytes as one gzip stream, at zlib's fastest level: a line PC has other work to do.
  ///
  /// Empty where zlib has no memory, which no gzip stream is.
  public static func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    let made = deflateInit2_(
      &stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard made == Z_OK else { return [] }
    defer { deflateEnd(&stream) }
    let most = Int(deflateBound(&stream, UInt(bytes.count)))
    return bytes.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: most) { output, count in
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(most)
        count = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END ? most - Int(stream.avail_out) : 0
      }
    }
  }

  /// Unpacks a whole gzip stream of at most `limit` bytes.
  public static func inflate(_ bytes: [UInt8], limit: Int) throws(GzipFault) -> [UInt8] {
    let inflater = Inflater(limit: limit)
    let taken = bytes.withUnsafeBytes { all in
      Result { () throws(GzipFault) in try inflater.take(all) }
    }
    try taken.get()
    return try inflater.finish()
  }
}

/// Unpacks a gzip stream as its parts come, and stops where it gets larger than a limit.
///
/// What a stream says of its length is not believed: memory grows with what is inflated, and ends at the limit.
public final class Inflater {
  /// On the heap, since zlib keeps a pointer to where it was set up.
  private let stream: UnsafeMutablePointer<z_stream>
  private let limit: Int
  private var inflated: [UInt8] = []
  private var isAtEnd = false
  private let isMade: Bool
  private static let step = 64 << 10

  /// The bytes that are inflated so far.
  var held: Int { inflated.count }

  /// - Parameter limit: of the inflated bytes.
  public init(limit: Int) {
    self.limit = limit
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    isMade = inflateInit2_(stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if isMade { inflateEnd(stream) }
    stream.deallocate()
  }

  /// Takes the next part.
  public func take(_ part: UnsafeRawBufferPointer) throws(GzipFault) {
    guard isMade else { throw .malformed("zlib has no memory") }
    guard !part.isEmpty else { return }
    guard !isAtEnd else { throw .malformed("more follows behind its end") }
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: part.bindMemory(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = UInt32(part.count)
    defer { stream.pointee.next_in = nil }
    repeat { try step() } while !isAtEnd && (stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0)
    guard stream.pointee.avail_in == 0 else { throw .malformed("more follows behind its end") }
  }

  private func step() throws(GzipFault) {
    // One byte beyond the limit shows that there is more.
    let room = min(Self.step, limit + 1 - inflated.count)
    var result = Z_OK
    let stream = stream
    inflated.append(
      contentsOf: [UInt8](unsafeUninitializedCapacity: room) { output, count in
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(room)
        result = CZlib.inflate(stream, Z_NO_FLUSH)
        count = room - Int(stream.pointee.avail_out)
      })
    guard inflated.count <= limit else { throw .tooLarge(limit: limit) }
    switch result {
    case Z_OK: break
    case Z_STREAM_END: isAtEnd = true
    // Nothing could be done: more has to come.
    case Z_BUF_ERROR where stream.pointee.avail_in == 0: stream.pointee.avail_out = 1
    default: throw .malformed(stream.pointee.msg.map { String(cString: $0) } ?? "zlib \(result)")
    }
  }

  /// Ends: all that was inflated.
  public func finish() throws(GzipFault) -> [UInt8] {
    guard isAtEnd else { throw .cut }
    return inflated
  }
}
