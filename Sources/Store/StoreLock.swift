import Machine

/// The right to use a store's file, until it is released.
///
/// `@unchecked`: the lock is given back once, by whoever closes the store; `FileLock` cannot be copied, and so not kept in
/// anything that several share.
final class StoreLock: @unchecked Sendable {
  private var lock: FileLock?

  /// - Throws: a `StoreError` that names who has it.
  init(_ path: String) throws(StoreError) {
    do { lock = try FileLock(path: path + ".lock", of: "the store \(path)", setting: "store.sqlite") } catch {
      throw StoreError(error.description)
    }
  }

  func release() { lock = nil }
}
