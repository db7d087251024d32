public import Devices
public import Events
public import Forward
public import Queue

/// Whether readings are kept, in the three words that an operator needs: *capturing*, *capturing, central away*, *not
/// capturing*.
///
/// Decided here alone, for page, status, metrics and the lamp of the line.
public struct Capture: Sendable, Hashable {
  /// As programs, commands and the settings' `alarm` name it.
  public enum Word: String, Sendable, Hashable, CaseIterable {
    case capturing
    /// What is read is kept here; the central is away, or refuses it.
    case centralAway = "central-away"
    case notCapturing = "not-capturing"
  }

  public let word: Word
  /// Since when the central is away.
  public let since: Timestamp?
  /// Why nothing is captured, or why the central is away.
  public let reason: String?
  /// What stands before the time, or all of it.
  let beginning: String

  private init(_ word: Word, since: Timestamp? = nil, reason: String? = nil, beginning: String) {
    (self.word, self.since, self.reason, self.beginning) = (word, since, reason, beginning)
  }

  /// Nothing is captured.
  public init(notCapturing reason: String) {
    self.init(.notCapturing, reason: reason, beginning: "not capturing: \(reason)")
  }

  /// - Parameter devices: those of the settings. One that was not tried yet counts as being there.
  public init(queue: QueueStatus, devices: [DeviceStatus], forward: ForwardStatus?) {
    if let refusing = queue.refusing {
      self.init(notCapturing: refusing.description)
    } else if devices.allSatisfy({ $0.state == .offline }) {
      self.init(notCapturing: Self.words(ofAway: devices))
    } else if let forward, forward.state == .away || forward.state == .refused {
      let verb = forward.state == .away ? "away" : "refuses"
      self.init(
        .centralAway, since: forward.since, reason: forward.reason, beginning: "capturing, central \(verb) since ")
    } else {
      self.init(.capturing, beginning: "capturing")
    }
  }

  private static func words(ofAway devices: [DeviceStatus]) -> String {
    guard let first = devices.first else { return "the settings have no device" }
    let others = devices.count > 1 ? ", nor does any of the \(devices.count - 1) others" : ""
    return "\(first.name) does not run\(first.reason.map { " (\($0))" } ?? "")\(others)"
  }

  /// The one sentence that matters.
  ///
  /// - Parameter when: how the time is written.
  public func sentence(when: (Timestamp) -> String = { $0.description }) -> String {
    beginning + (since.map(when) ?? "")
  }

  /// How long the central has been away; zero while it is not.
  func centralAway(at now: Timestamp) -> Duration { since.map { max(.zero, now.since($0)) } ?? .zero }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("word", word.rawValue)
      writer.field("since", since)
      writer.field("reason", reason)
    }
  }
}
