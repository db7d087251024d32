/// What a tag showed at one moment: a value, or the reason why there is none.
public enum TagValue: Sendable, Hashable {
  case bool(Bool)
  case int(Int64)
  /// Always finite: what is not is `bad`.
  case double(Double)
  case string(String)
  /// No value: why, and the raw bytes as they came, if any came.
  case bad(reason: String, raw: [UInt8])

  public var isGood: Bool { if case .bad = self { false } else { true } }

  /// A good number, whole or not.
  public var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  public init?(_ json: JSON) {
    switch json {
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(value)
    case .object:
      guard let reason = json["bad"]?.text else { return nil }
      self = .bad(reason: reason, raw: json["raw"]?.text.flatMap { bytes(hex: $0) } ?? [])
    default: return nil
    }
  }
}

/// A tag's name with what it showed; events keep the order of the map.
public struct Tag: Sendable, Hashable {
  public let name: String
  public let value: TagValue

  public init(_ name: String, _ value: TagValue) {
    self.name = name
    self.value = value
  }
}

extension JSONWriter {
  public mutating func value(_ value: TagValue) {
    switch value {
    case .bool(let flag): self.value(flag)
    case .int(let number): self.value(number)
    case .double(let number): self.value(number)
    case .string(let text): self.value(text)
    case .bad(let reason, let raw):
      object { writer in
        writer.field("bad", reason)
        if !raw.isEmpty { writer.field("raw", hex(raw)) }
      }
    }
  }

  mutating func field(_ name: String, _ tags: [Tag]) {
    key(name)
    object { writer in
      for tag in tags {
        writer.key(tag.name)
        writer.value(tag.value)
      }
    }
  }

  mutating func field(_ name: String, nonEmpty list: [String]) {
    guard !list.isEmpty else { return }
    key(name)
    array { writer in for item in list { writer.value(item) } }
  }
}

extension JSON {
  /// The tags of an object, bad ones included; what is neither is left out.
  var tags: [Tag] { (members ?? []).compactMap { member in TagValue(member.value).map { Tag(member.name, $0) } } }
  var texts: [String] { (items ?? []).compactMap(\.text) }
}
