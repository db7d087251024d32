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

/// Puts a small file at `path` so that a power cut leaves the old one or the new one.
func replaceFile(at path: String, with bytes: [UInt8]) throws(SystemFailure) {
  let fresh = path + ".new"
  let number = Glibc.open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
  guard number >= 0 else { throw SystemFailure(doing: "making \(fresh)") }
  let file = Descriptor(owning: number)
  guard retrying({ Glibc.write(file.number, bytes, bytes.count) }) == bytes.count else {
    throw SystemFailure(doing: "writing \(fresh)")
  }
  guard fdatasync(file.number) == 0 else { throw SystemFailure(doing: "flushing \(fresh)") }
  guard rename(fresh, path) == 0 else { throw SystemFailure(doing: "renaming \(fresh) to \(path)") }
  try flushFolder(of: path)
}

/// Flushes the folder that `path` is in, so that a name made or changed there survives a power cut.
func flushFolder(of path: String) throws(SystemFailure) {
  let folder = folder(of: path)
  let number = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard number >= 0 else { throw SystemFailure(doing: "opening the folder \(folder)") }
  let descriptor = Descriptor(owning: number)
  guard fsync(descriptor.number) == 0 else { throw SystemFailure(doing: "flushing the folder \(folder)") }
}

/// The folder that `path` is in.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The bytes of a small file, at most `limit` of them.
func contents(of path: String, limit: Int) throws(SystemFailure) -> [UInt8] {
  let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
  guard number >= 0 else { throw SystemFailure(doing: "opening \(path)") }
  let file = Descriptor(owning: number)
  var bytes = [UInt8](repeating: 0, count: limit)
  let count = retrying { read(file.number, &bytes, limit) }
  guard count >= 0 else { throw SystemFailure(doing: "reading \(path)") }
  return Array(bytes[..<count])
}

/// The size of a file in bytes; nil if it is not there.
func size(of path: String) -> Int? {
  var about = stat()
  return stat(path, &about) == 0 ? Int(about.st_size) : nil
}
