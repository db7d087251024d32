import Events
import Stations
import Web

extension EdgeSettings {
  /// Its files as the status names them.
  var hashes: [SettingsStatus.File] {
    Start.configs(files, kept: [:]).map { SettingsStatus.File(name: $0.file, sha256: $0.sha256) }
  }

  /// What `other` says differently that a running daemon does not take.
  func waiting(in other: EdgeSettings) -> [String] {
    let pairs: [(String, Bool)] = [
      ("source", source != other.source),
      ("queue.path", queue.path != other.queue.path),
      ("queue.limit", queue.limitBytes != other.queue.limitBytes),
      ("queue.keep", queue.keep != other.queue.keep),
      ("central", central != other.central),
      ("web.listen", web.listen != other.web.listen),
      ("web.certificate-file", web.certificateFile != other.web.certificateFile),
      ("web.key-file", web.keyFile != other.web.keyFile),
      ("web.token-file", web.tokenFile != other.web.tokenFile),
      ("control.socket", control.socket != other.control.socket),
    ]
    return pairs.filter(\.1).map(\.0)
  }

  /// The names of stations that came, went or have other settings.
  static func changed(_ old: [StationSettings], _ new: [StationSettings]) -> [String] {
    new.filter { !old.contains($0) }.map(\.name)
      + old.filter { station in !new.contains { $0.name == station.name } }.map(\.name)
  }
}

extension ReloadAnswer {
  /// What was done, for the log and for people.
  var sentence: String {
    let parts = [
      ("changed files: ", files), ("restarted: ", restarted), ("added: ", added), ("removed: ", removed),
      ("stations: ", stations), ("takes effect at the next start: ", nextStart),
    ].filter { !$0.1.isEmpty }.map { $0.0 + $0.1.joined(separator: ", ") }
    return parts.isEmpty
      ? "the settings were read again: nothing has changed"
      : "new settings are in force; "
        + parts.joined(separator: "; ")
  }
}
