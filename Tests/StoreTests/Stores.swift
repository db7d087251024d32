import Events
import GRDB
import Logging
import NIOConcurrencyHelpers
import TestParts

@testable import Store

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A clock that a test moves.
final class TestClock: Sendable {
  private let time: NIOLockedValueBox<Timestamp>

  init(_ start: String = "2026-11-23T12:00:00Z") { time = NIOLockedValueBox(Timestamp(start)!) }
  var now: @Sendable () -> Timestamp { { [time] in time.withLockedValue { $0 } } }
  func advance(_ duration: Duration) { time.withLockedValue { $0 = $0.adding(duration) } }
}

func openStore(_ folder: ScratchFolder, _ rules: TraceRules = TraceRules(), file: String = "central.db") async throws
  -> TraceStore
{
  try await TraceStore.open(path: folder.file(file), rules: rules, logger: quiet)
}

func route(_ stations: String...) -> TraceRules {
  TraceRules(routes: ["P9": stations.map { RouteStep(stations: [$0]) }])
}

extension Lookup {
  var record: Record? { if case .found(let record) = self { record } else { nil } }
}

extension TraceStore {
  /// Every projected row as text, with names in place of this file's own numbers, in one order.
  func dump() async throws -> [String] {
    try await read { db in
      var names: [Int64: String] = [:]
      var sources: [Int64: String] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT id, name FROM incarnations") { names[row["id"]] = row["name"] }
      for row in try Row.fetchAll(db, sql: "SELECT id, name FROM sources") { sources[row["id"]] = row["name"] }
      return try Schema.projections.flatMap { table in
        try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { row in
          table + " "
            + row.map { column, value in
              let number = Int64.fromDatabaseValue(value)
              switch column {
              case "incarnation": return "\(column)=\(number.flatMap { names[$0] } ?? "nil")"
              case "source": return "\(column)=\(number.flatMap { sources[$0] } ?? "nil")"
              default: return "\(column)=\(value)"
              }
            }.joined(separator: " ")
        }.sorted()
      }
    }
  }
}
