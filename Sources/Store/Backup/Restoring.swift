import Events
import GRDB
import Glibc
import Machine

extension TraceStore {
  /// What was put in the place of a store.
  public struct Restored: Sendable, Hashable {
    /// Events whose chain was followed in the backup.
    public let events: UInt64
    /// Where the store that was there before is; nil where there was none.
    public let setAside: String?
  }

  /// Puts a backup in the place of the store at `path`, which nobody has open; that one is kept beside it.
  ///
  /// The backup is copied, and the copy verified before anything else is touched; it is not moved and not changed. A
  /// kill at any moment leaves the old store or the new one: what was begun is ended when the store is opened next.
  /// - Throws: a `StoreError` where the store is in use, or the backup is none, damaged or of a newer program.
  public static func restore(_ backup: String, at path: String) async throws -> Restored {
    let lock = try StoreLock(path)
    defer { lock.release() }
    let reader = StoreReader()
    let ready = Replacement(path)
    do {
      try await reader.prepare(backup, ready)
      let events = try await reader.check(ready.part)
      guard rename(ready.part, ready.whole) == 0 else { throw SystemFailure(doing: "renaming \(ready.part)") }
      try flushFolder(of: path)
      return Restored(events: events, setAside: try ready.finish())
    } catch {
      unlink(ready.part)
      throw StoreError("\(backup) is not put in the place of \(path): \(error)")
    }
  }

  /// A restored store that is to take the place of the one at `path`.
  ///
  /// As long as `whole` is there it is not in its place yet.
  struct Replacement {
    let path: String
    var part: String { path + ".restoring.part" }
    var whole: String { path + ".restoring" }

    init(_ path: String) { self.path = path }

    /// Whether a restore was begun whose copy is verified.
    var isBegun: Bool { access(whole, F_OK) == 0 }

    /// Takes the steps that are left; where the old store went.
    func finish() throws -> String? {
      let kept = try setAside()
      // The old journal beside the new file would be taken for its own.
      for end in ["-wal", "-shm"] { unlink(path + end) }
      try flushFolder(of: path)
      guard rename(whole, path) == 0 else { throw SystemFailure(doing: "renaming \(whole) to \(path)") }
      try flushFolder(of: path)
      return kept
    }

    /// Gives the old store a second name, under which all of it stays.
    private func setAside() throws -> String? {
      guard size(of: path) != nil else { return nil }
      let stamp = Moment.now().time.description.prefix(19).filter { $0 != "-" && $0 != ":" }
      var kept = "\(path).replaced-\(stamp)Z"
      while size(of: kept) != nil { kept += "+" }
      for end in ["-wal", ""] where size(of: path + end) != nil {
        guard link(path + end, kept + end) == 0 else {
          throw SystemFailure(doing: "keeping \(path + end) as \(kept + end)")
        }
      }
      try flushFolder(of: path)
      return kept
    }
  }
}

extension StoreReader {
  /// Copies a backup beside the store and flushes it.
  fileprivate func prepare(_ backup: String, _ ready: TraceStore.Replacement) throws {
    guard let size = size(of: backup) else { throw StoreError("there is no such file") }
    if (Machine.size(of: backup + "-wal") ?? 0) > 0 {
      throw StoreError("it is no backup but a store in use, or one that was not closed: its journal is beside it")
    }
    if let free = freeBytes(beside: ready.path), free < size + (16 << 20) {
      throw StoreError("\(free / 1_000_000) MB are free there, and \(size / 1_000_000 + 17) MB are needed")
    }
    unlink(ready.part)
    let from = Glibc.open(backup, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw SystemFailure(doing: "opening \(backup)") }
    let input = Descriptor(owning: from)
    let into = Glibc.open(ready.part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard into >= 0 else { throw SystemFailure(doing: "making \(ready.part)") }
    let output = Descriptor(owning: into)
    try eachPart(of: input.number, backup) { part in
      var rest = part
      while !rest.isEmpty {
        let count = retrying { write(output.number, rest.baseAddress, rest.count) }
        guard count > 0 else { throw SystemFailure(doing: "copying \(backup) to \(ready.part)") }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    guard fsync(output.number) == 0 else { throw SystemFailure(doing: "flushing \(ready.part)") }
    posix_fadvise(output.number, 0, 0, POSIX_FADV_DONTNEED)
  }

  /// Follows the copy's chains, and looks whether this program can use it.
  fileprivate func check(_ part: String) throws -> UInt64 {
    guard let verdict = try verify(part, isThorough: true) else { throw StoreError("it is no store of Lotline") }
    if let bad = verdict.firstBad { throw StoreError(bad) }
    // With its default journal a store is one file again once it is closed.
    let file = try DatabaseQueue(path: part)
    defer { try? file.close() }
    try file.write { db in
      try Schema.check(db)
      try db.execute(
        sql:
          "INSERT INTO meta(key, value) VALUES ('restored', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        arguments: [Moment.now().time.description])
    }
    return verdict.good
  }
}
