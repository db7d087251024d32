/// Why a device ends in order, as the records say it that last until then.
enum Ending: String, Sendable {
  case daemon = "the daemon stopped"
  case settings = "its settings changed"

  /// What is added to the reason of a record.
  var suffix: String { "; \(rawValue) meanwhile" }
}
