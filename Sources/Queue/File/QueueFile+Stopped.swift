private import Glibc
internal import Machine

extension QueueFile {
  /// Reads a queue file that no daemon has open, or a copy, and leaves nothing beside it; blocks while it does.
  ///
  /// A file that is in use, or no queue, is an `OpeningFailure`; what SQLite says of its content is the caller's matter.
  static func reading<Value>(_ path: String, _ body: (Connection) throws -> Value) throws -> Value {
    let hadIndex = size(of: path + "-shm") != nil
    defer { if !hadIndex { unlink(path + "-shm") } }
    do {
      let connection = try Connection(path: path, mode: .reading)
      guard try connection.pragma("application_id") == Schema.applicationID else {
        throw OpeningFailure("\(path) is not a queue of Lotline")
      }
      return try body(connection)
    } catch let failure as SQLiteFailure where failure.isBusy {
      throw OpeningFailure("\(path) is in use: ask the daemon that has it open")
    }
  }
}
