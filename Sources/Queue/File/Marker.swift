internal import Events
internal import Glibc
internal import Machine

/// The last number and hash that were known to be on disk, in a small file beside the queue.
///
/// A queue file that is behind its marker, or does not lead through it, was put back from a copy.
struct Marker: Hashable {
  var ordinal: Int64
  var incarnation: Incarnation
  var sequence: UInt64
  var hash: ChainHash

  private static let form = "lotline-marker-1"

  var text: String { "\(Self.form) \(ordinal) \(incarnation) \(sequence) \(hash)\n" }

  init(ordinal: Int64, incarnation: Incarnation, sequence: UInt64, hash: ChainHash) {
    self.ordinal = ordinal
    self.incarnation = incarnation
    self.sequence = sequence
    self.hash = hash
  }

  init(_ life: Life) {
    self.init(ordinal: life.ordinal, incarnation: life.incarnation, sequence: life.last, hash: life.head)
  }

  /// Reads the text form; nil for anything else.
  init?(text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 5, parts[0] == Self.form, let ordinal = Int64(parts[1]), parts[4].last == "\n",
      let incarnation = Incarnation(String(parts[2])), let sequence = UInt64(parts[3]),
      let hash = ChainHash(parts[4].dropLast())
    else { return nil }
    self.init(ordinal: ordinal, incarnation: incarnation, sequence: sequence, hash: hash)
  }

  /// What the file at `path` says; nil if there is none, or none that can be read.
  init?(path: String) {
    guard let bytes = try? contents(of: path, limit: 4096) else { return nil }
    self.init(text: String(decoding: bytes, as: UTF8.self))
  }

  /// Puts the marker at `path` so that a power cut leaves the old one or the new one.
  func write(to path: String) throws(SystemFailure) { try replaceFile(at: path, with: Array(text.utf8)) }
}
