import Foundation
import Glibc
import Machine

/// Writes files that are either as they were or wholly new, whatever happens meanwhile.
enum WholeFile {
  /// Puts `text` in place of the file at `path`; what stood there is kept beside it as `.bak`.
  ///
  /// - Returns: the path of what is kept; nil where there was no file.
  static func write(_ text: String, to path: String) throws -> String? {
    let former = path + ".bak"
    let old = FileManager.default.contents(atPath: path)
    var mode: mode_t = 0o644
    var found = stat()
    if stat(path, &found) == 0 { mode = found.st_mode & 0o7777 }
    if let old { try replace(former, with: Array(old), mode) }
    try replace(path, with: Array(text.utf8), mode)
    return old == nil ? nil : former
  }

  /// On disk under another name first; the name changes in one step.
  private static func replace(_ path: String, with bytes: [UInt8], _ mode: mode_t) throws {
    let draft = "\(path).\(getpid()).tmp"
    let descriptor = retrying { open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
    guard descriptor >= 0 else { throw SystemFailure(doing: "writing \(draft)") }
    do {
      defer { close(descriptor) }
      fchmod(descriptor, mode)
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { part in retrying { Glibc.write(descriptor, part.baseAddress, part.count) } }
        guard count > 0 else { throw SystemFailure(doing: "writing \(draft)") }
        rest = rest.dropFirst(count)
      }
      guard fsync(descriptor) == 0 else { throw SystemFailure(doing: "writing \(draft) to the disk") }
    } catch {
      unlink(draft)
      throw error
    }
    guard rename(draft, path) == 0 else {
      let failure = SystemFailure(doing: "putting \(draft) in place of \(path)")
      unlink(draft)
      throw failure
    }
    let folder = (path as NSString).deletingLastPathComponent
    let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }
}
