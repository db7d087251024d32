public import Events
public import Logging
internal import Machine

/// skeleton, replaced in the next commit
public actor EventQueue {
  private let thread: OwnThread
  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  private init() { thread = OwnThread(name: "queue") }

  public static func open(_ settings: QueueSettings, source: SourceName, logger: Logger) async throws -> EventQueue {
    EventQueue()
  }
  public nonisolated var append: Append { { _ async throws(Refusal) in throw .closed } }
  public func state(prefix: String) throws -> [String: [UInt8]] { [:] }
  public func batch(after: UInt64, limit: Int, maxBytes: Int) throws(QueueFault) -> Batch { throw .beyondEnd(head: 0) }
  public func batch(incarnation: Incarnation, after: UInt64, limit: Int, maxBytes: Int) throws(QueueFault) -> Batch {
    throw .beyondEnd(head: 0)
  }
  public func newest(limit: Int) throws(QueueFault) -> Batch { throw .beyondEnd(head: 0) }
  public nonisolated func waitForMore(than sequence: UInt64, atMost: Duration) async {}
  public func record(_ receipt: Receipt, from consumer: String, frees: Bool) throws(QueueFault) {}
  public func beat(at: Timestamp) throws(Refusal) {}
  public func beginIncarnation(why: String) throws(Refusal) -> StartedData.Previous { throw .closed }
  public func verify() async -> QueueVerdict { QueueVerdict() }
  public nonisolated var status: QueueStatus { QueueStatus(incarnation: .random(), limitBytes: 0) }
  public nonisolated var opening: Opening { Opening() }
  public func close() async {}
}
