import Crypto
import Events

/// SHA-256 of a file that is too large to hold.
struct FileDigest {
  private var hash = SHA256()
  private(set) var bytes: Int64 = 0

  mutating func add(_ part: UnsafeRawBufferPointer) {
    hash.update(bufferPointer: part)
    bytes += Int64(part.count)
  }

  var hex: String { Events.hex(Array(hash.finalize())) }
}
