private import Glibc

/// Puts a small file at `path` so that a power cut leaves the old one or the new one.
public func replaceFile(at path: String, with bytes: [UInt8]) throws(SystemFailure) {
  let fresh = path + ".new"
  let number = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
  guard number >= 0 else { throw SystemFailure(doing: "making \(fresh)") }
  let file = Descriptor(owning: number)
  guard retrying({ write(file.number, bytes, bytes.count) }) == bytes.count else {
    throw SystemFailure(doing: "writing \(fresh)")
  }
  guard fdatasync(file.number) == 0 else { throw SystemFailure(doing: "flushing \(fresh)") }
  guard rename(fresh, path) == 0 else { throw SystemFailure(doing: "renaming \(fresh) to \(path)") }
  try flushFolder(of: path)
}

/// Flushes the folder that `path` is in, so that a name made or changed there survives a power cut.
public func flushFolder(of path: String) throws(SystemFailure) {
  let folder = folder(of: path)
  let number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard number >= 0 else { throw SystemFailure(doing: "opening the folder \(folder)") }
  let descriptor = Descriptor(owning: number)
  guard fsync(descriptor.number) == 0 else { throw SystemFailure(doing: "flushing the folder \(folder)") }
}

/// The folder that `path` is in.
public func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The bytes of a small file, at most `limit` of them.
public func contents(of path: String, limit: Int) throws(SystemFailure) -> [UInt8] {
  let number = open(path, O_RDONLY | O_CLOEXEC)
  guard number >= 0 else { throw SystemFailure(doing: "opening \(path)") }
  let file = Descriptor(owning: number)
  var bytes = [UInt8](repeating: 0, count: limit)
  let count = retrying { read(file.number, &bytes, limit) }
  guard count >= 0 else { throw SystemFailure(doing: "reading \(path)") }
  return Array(bytes[..<count])
}

/// The size of a file in bytes; nil if it is not there.
public func size(of path: String) -> Int? {
  var about = stat()
  return stat(path, &about) == 0 ? Int(about.st_size) : nil
}

/// Bytes that this user may still write in the folder that `path` is in; nil if the system does not say.
public func freeBytes(beside path: String) -> Int? {
  var about = statvfs()
  guard statvfs(folder(of: path), &about) == 0 else { return nil }
  return Int(about.f_bavail) * Int(about.f_frsize)
}
