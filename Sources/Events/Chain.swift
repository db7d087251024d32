private import Crypto

/// A link of the hash chain: `hash(n) = SHA-256(hash(n-1) ‖ SHA-256(line(n)))`, `hash(0)` = 32 zero bytes.
///
/// Whoever holds one later hash can tell whether any line before it was altered, left out, put in or moved.
public struct ChainHash: Sendable, Hashable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// The hash before the first line.
  public static let zero = ChainHash(unchecked: [UInt8](repeating: 0, count: 32))

  private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

  /// Takes 32 bytes; nil for any other count.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// Reads 64 lower-case hex digits; nil for anything else.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == 64, !text.utf8.contains(where: { (0x41...0x46).contains($0) }),
      let bytes = Events.bytes(hex: text)
    else { return nil }
    self.bytes = bytes
  }

  /// SHA-256 of a line without its newline: what stands for the line where it is not given.
  public static func digest(of line: some Sequence<UInt8>) -> [UInt8] {
    var hash = SHA256()
    let done: Void? = line.withContiguousStorageIfAvailable { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    if done == nil { hash.update(data: Array(line)) }
    return hash.finalize().withUnsafeBytes { Array($0) }
  }

  /// The hash after the line with this digest.
  public func extended(byDigest digest: [UInt8]) -> ChainHash {
    var hash = SHA256()
    hash.update(data: bytes)
    hash.update(data: digest)
    return ChainHash(unchecked: hash.finalize().withUnsafeBytes { Array($0) })
  }

  /// The hash after `line`, which has no newline.
  ///
  /// A line of `#` and 64 hex digits stands for its digest.
  public func extended(by line: some Collection<UInt8>) -> ChainHash {
    extended(byDigest: Self.heldDigest(line) ?? Self.digest(of: line))
  }

  /// The digest that a line `#` with 64 hex digits stands for; nil where the line is an event's.
  public static func heldDigest(_ line: some Collection<UInt8>) -> [UInt8]? {
    guard line.count == 65, line.first == 0x23 else { return nil }
    return Events.bytes(hex: String(decoding: line.dropFirst(), as: UTF8.self))
  }

  /// What stands for a line that is not given: `#` and the hex digits of its digest.
  public static func heldLine(for line: some Sequence<UInt8>) -> [UInt8] { Array("#\(hex(digest(of: line)))".utf8) }

  public var description: String { hex(bytes) }
}
