import Events
import GRDB
import Glibc
import Machine

extension TraceStore {
  /// Copies the store to `file` while it is in use, verifies the copy, and only then tells sources that it is safe.
  ///
  /// The copy is of one moment. It is written in small steps to `file`.part, flushed, read again from the disk and
  /// followed event by event, and then given its name; where anything fails, what was safe before stays so.
  /// - Throws: a `StoreError` that says why there is no backup; `file` is never written over.
  public func backUp(to file: String) async throws -> BackupRecord {
    guard await backupWork.begin() else {
      throw StoreError("a backup of \(pool.path) is being taken already: wait until it is done")
    }
    do {
      let record = try await takeBackup(to: file)
      await backupWork.end()
      return record
    } catch {
      await backupWork.end()
      throw error
    }
  }

  private func takeBackup(to file: String) async throws -> BackupRecord {
    let taken = rules.now()
    let reader = StoreReader()
    let part = file + ".part"
    do {
      try await reader.copy(pool.path, to: file, part: part)
      guard let verdict = try await reader.verify(part, isThorough: true) else {
        throw StoreError("the copy is no store")
      }
      if let bad = verdict.firstBad { throw StoreError("the copy is not good: \(bad)") }
      let (bytes, sha256) = try await reader.digest(of: part)
      try await reader.name(part, file)
      let record = BackupRecord(taken: taken, file: file, bytes: bytes, sha256: sha256, events: Int64(verdict.good))
      try await note(record, verdict.chains)
      return record
    } catch {
      unlink(part)
      throw StoreError("no backup of \(pool.path) in \(file): \(error)")
    }
  }
}

/// Lets one backup be taken at a time.
actor BackupWork {
  private var isBusy = false

  /// False where one is being taken.
  func begin() -> Bool {
    defer { isBusy = true }
    return !isBusy
  }

  func end() { isBusy = false }
}

/// How a store is copied.
private enum Step {
  static let copiedBytes = 256 << 10
  /// Flushed at once, so that the flush of a commit never waits behind a large one.
  static let flushedBytes = 4 << 20
}

extension StoreReader {
  /// Copies the store as it is at this moment; every other moment of the disk is left to those who commit.
  func copy(_ store: String, to file: String, part: String) throws {
    guard access(file, F_OK) != 0 else { throw StoreError("there is such a file already: name another one") }
    // The journal may hold much that the file itself has not yet.
    let size = (size(of: store) ?? 0) + (Machine.size(of: store + "-wal") ?? 0)
    if let free = freeBytes(beside: file), free < size + size / 20 + (16 << 20) {
      throw StoreError("\(free / 1_000_000) MB are free there, and about \(size / 1_000_000 + 17) MB are needed")
    }
    for end in ["", "-journal", "-wal", "-shm"] { unlink(part + end) }
    // Made here, since SQLite makes files that everybody may read.
    let number = Glibc.open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard number >= 0 else { throw SystemFailure.making(part) }
    let output = Descriptor(owning: number)
    var settings = Configuration()
    // One who is cut off leaves a .part, which nobody uses; what lasts is flushed below.
    settings.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
    let copy = try DatabaseQueue(path: part, configuration: settings)
    defer { try? copy.close() }
    let source = try Self.open(store)
    defer { try? source.close() }
    // One transaction for all steps: the copy is of one moment, and commits need not wait for it.
    try source.read { from in
      _ = try Int.fetchOne(from, sql: "SELECT COUNT(*) FROM sqlite_master")
      try copy.writeWithoutTransaction { into in
        try Self.copy(from, into, flushing: output.number)
        // One file, that any tool of SQLite reads without leaving others beside it.
        try into.execute(sql: "PRAGMA journal_mode = DELETE")
      }
    }
    try copy.close()
    guard fsync(output.number) == 0 else { throw SystemFailure(doing: "flushing \(part)") }
    // What is verified is what the disk gives, not what memory still has of it.
    posix_fadvise(output.number, 0, 0, POSIX_FADV_DONTNEED)
  }

  private static func copy(_ from: Database, _ into: Database, flushing output: Int32) throws {
    let clock = ContinuousClock()
    var began = clock.now
    var unflushed = 0
    let pages = try Step.copiedBytes / pageBytes(of: from)
    try from.backup(to: into, pagesPerStep: CInt(max(1, pages))) { _ in
      try Task.checkCancellation()
      unflushed += Step.copiedBytes
      if unflushed >= Step.flushedBytes {
        guard fdatasync(output) == 0 else { throw SystemFailure(doing: "flushing the copy") }
        unflushed = 0
      }
      let microseconds = Int64((clock.now - began) / .microseconds(1))
      usleep(UInt32(clamping: min(microseconds, 20_000)))
      began = clock.now
    }
  }

  /// The size of a file and its SHA-256 in hex.
  func digest(of path: String) throws -> (bytes: Int64, sha256: String) {
    let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SystemFailure(doing: "opening \(path)") }
    let file = Descriptor(owning: number)
    var digest = FileDigest()
    try eachPart(of: file.number, path) { digest.add($0) }
    return (digest.bytes, digest.hex)
  }

  /// Reads an open file to its end, a megabyte at a time.
  func eachPart(of file: Int32, _ path: String, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      try Task.checkCancellation()
      let count = retrying { read(file, buffer.baseAddress, buffer.count) }
      guard count >= 0 else { throw SystemFailure(doing: "reading \(path)") }
      if count == 0 { return }
      try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Gives the copy its name for good.
  func name(_ part: String, _ file: String) throws {
    guard access(file, F_OK) != 0 else { throw StoreError("somebody else has made this file meanwhile") }
    guard rename(part, file) == 0 else { throw SystemFailure(doing: "renaming \(part) to \(file)") }
    try flushFolder(of: file)
  }
}
