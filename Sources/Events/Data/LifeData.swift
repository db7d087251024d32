/// The daemon runs: the first event of each start.
public struct StartedData: EventData {
  public var type: EventType { .started }
  /// The kernel's boot id: boot times compare only within one.
  public var boot: String
  public var version: String
  public var host: String
  public var clockSynchronised: Bool
  public var clockErrorSeconds: Double
  /// The queue file's life before this one, if it is known.
  public var previous: Previous?
  /// When the daemon was last known alive.
  public var alive: Timestamp?

  /// How far an earlier incarnation went, and why it ended.
  public struct Previous: Sendable, Hashable {
    public var incarnation: Incarnation
    public var through: UInt64
    public var head: ChainHash
    public var why: String

    public init(incarnation: Incarnation, through: UInt64, head: ChainHash, why: String) {
      self.incarnation = incarnation
      self.through = through
      self.head = head
      self.why = why
    }
  }

  public init(
    boot: String, version: String, host: String, clockSynchronised: Bool, clockErrorSeconds: Double,
    previous: Previous? = nil, alive: Timestamp? = nil
  ) {
    self.boot = boot
    self.version = version
    self.host = host
    self.clockSynchronised = clockSynchronised
    self.clockErrorSeconds = clockErrorSeconds
    self.previous = previous
    self.alive = alive
  }

  public func write(to json: inout JSONWriter) {
    json.field("boot", boot)
    json.field("version", version)
    json.field("host", host)
    json.key("clock")
    json.object { writer in
      writer.field("synchronised", clockSynchronised)
      writer.key("error")
      writer.value(clockErrorSeconds)
    }
    if let previous {
      json.key("previous")
      json.object { writer in
        writer.field("incarnation", previous.incarnation.description)
        writer.field("through", previous.through)
        writer.field("head", previous.head.description)
        writer.field("why", previous.why)
      }
    }
    json.field("alive", alive)
  }

  public init?(_ json: JSON) {
    guard let boot = json["boot"]?.text, let version = json["version"]?.text, let host = json["host"]?.text
    else { return nil }
    self.init(
      boot: boot, version: version, host: host, clockSynchronised: json["clock"]?["synchronised"]?.flag ?? false,
      clockErrorSeconds: json["clock"]?["error"]?.number ?? 0, alive: json["alive"]?.time)
    if let old = json["previous"], let incarnation = old["incarnation"]?.text.flatMap({ Incarnation($0) }),
      let through = old["through"]?.whole, let head = old["head"]?.text.flatMap({ ChainHash($0) })
    {
      previous = Previous(
        incarnation: incarnation, through: UInt64(clamping: through), head: head, why: old["why"]?.text ?? "")
    }
  }
}

/// The daemon ends in order.
public struct StoppedData: EventData {
  public var type: EventType { .stopped }
  public var why: String

  public init(why: String) { self.why = why }

  public func write(to json: inout JSONWriter) { json.field("why", why) }

  public init?(_ json: JSON) {
    guard let why = json["why"]?.text else { return nil }
    self.why = why
  }
}

/// A settings file or map as it is in force from now on, so that history can be decoded again.
public struct ConfigData: EventData {
  public var type: EventType { .config }
  public var file: String
  /// Of the file's bytes, in lower-case hex.
  public var sha256: String
  public var text: String

  public init(file: String, text: String) {
    self.file = file
    self.text = text
    sha256 = hex(ChainHash.digest(of: text.utf8))
  }

  public func write(to json: inout JSONWriter) {
    json.field("file", file)
    json.field("sha256", sha256)
    json.field("text", text)
  }

  public init?(_ json: JSON) {
    guard let file = json["file"]?.text, let text = json["text"]?.text, let sha256 = json["sha256"]?.text
    else { return nil }
    self.file = file
    self.text = text
    self.sha256 = sha256
  }
}

/// The wall clock jumped by more than half a second, or gained or lost its time source.
public struct ClockData: EventData {
  public var type: EventType { .clock }
  public var from: Timestamp
  public var to: Timestamp
  public var synchronised: Bool
  public var errorSeconds: Double

  public init(from: Timestamp, to: Timestamp, synchronised: Bool, errorSeconds: Double) {
    self.from = from
    self.to = to
    self.synchronised = synchronised
    self.errorSeconds = errorSeconds
  }

  public func write(to json: inout JSONWriter) {
    json.field("from", from)
    json.field("to", to)
    json.field("synchronised", synchronised)
    json.key("error")
    json.value(errorSeconds)
  }

  public init?(_ json: JSON) {
    guard let from = json["from"]?.time, let to = json["to"]?.time else { return nil }
    self.init(
      from: from, to: to, synchronised: json["synchronised"]?.flag ?? false, errorSeconds: json["error"]?.number ?? 0)
  }
}

/// A device came, went, or refuses.
public struct DeviceData: EventData {
  public var type: EventType { .device }
  public var device: String
  public var state: State
  public var reason: String?

  public enum State: String, Sendable, Hashable, CaseIterable {
    case online
    case offline
    /// It answers, but not with what was asked for.
    case refusing
  }

  public init(device: String, state: State, reason: String? = nil) {
    self.device = device
    self.state = state
    self.reason = reason
  }

  public func write(to json: inout JSONWriter) {
    json.field("device", device)
    json.field("state", state.rawValue)
    json.field("reason", reason)
  }

  public init?(_ json: JSON) {
    guard let device = json["device"]?.text, let state = json["state"]?.text.flatMap(State.init(rawValue:))
    else { return nil }
    self.init(device: device, state: state, reason: json["reason"]?.text)
  }
}
