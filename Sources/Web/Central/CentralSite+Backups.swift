import Events
import Hummingbird
import Store

extension CentralSite {
  /// `GET /v1/backups`: the copies that were verified, the newest first, and how the central's own backups stand.
  func listBackups() async throws -> Response {
    let records = try await store.backups()
    let restored = try await store.restored()
    return Response { writer in
      writer.list("items", records) { $1.write(to: &$0) }
      writer.field("restored", restored)
      writer.key("plan")
      writer.object { writer in
        writer.field("enabled", backups != nil)
        backups?().write(to: &writer, now: store.now)
      }
    }
  }

  func backupMetrics(_ sources: [SourceRecord], _ metrics: inout MetricsText) async throws {
    metrics.family("lotline_central_safe_through", .gauge, "Line PCs are told that events up to here are safe.")
    for source in sources {
      for receipt in source.incarnations {
        metrics.sample(receipt.safeThrough, ["source": source.name, "incarnation": receipt.incarnation.description])
      }
    }
    metrics.family("lotline_central_backup_enabled", .gauge, "1 where the central takes backups by itself.")
    metrics.sample(backups == nil ? 0 : 1)
    if let last = try await store.backups(limit: 1).first {
      metrics.family("lotline_central_backup_timestamp_seconds", .gauge, "When the last verified backup was taken.")
      metrics.sample(Double(last.taken.microseconds) / 1e6)
    }
    if let restored = try await store.restored() {
      metrics.family(
        "lotline_central_restored_timestamp_seconds", .gauge, "When a backup was put in place of the store.")
      metrics.sample(Double(restored.microseconds) / 1e6)
    }
    backups?().addMetrics(to: &metrics, now: store.now)
  }
}
