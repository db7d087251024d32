public import Events

/// What genealogy connects: a unit or a lot.
public struct Node: Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable, CaseIterable { case unit, lot }

  public let kind: Kind
  public let id: String

  public init(_ kind: Kind, _ id: String) {
    self.kind = kind
    self.id = id
  }

  /// Reads `unit:ID` or `lot:ID`; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])) else { return nil }
    self.init(kind, String(parts[1]))
  }

  public var description: String { "\(kind.rawValue):\(id)" }
}

/// Which event says so.
public struct EventReference: Sendable, Hashable {
  public let source: String
  /// `<incarnation>:<sequence>`.
  public let id: String

  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("source", source)
      writer.field("id", id)
    }
  }
}

/// One step of genealogy, with what it rests on.
public struct LinkRecord: Sendable, Hashable {
  /// How a link is known (design.md, section 8).
  public enum Evidence: String, Sendable, Hashable { case scanned, read, loaded, window, planned, declared, imported }

  /// What the link leads to.
  public var node: Node
  /// `member`, the material's place, or the component's place.
  public var role: String
  /// `member`, `consumed` or `installed`.
  public var relation: String
  public var evidence: Evidence
  public var isCertain: Bool
  /// Why it is not certain; nil where it is.
  public var reason: String?
  /// Links that share this exclude each other: one of them is true.
  public var alternatives: String?
  public var station: String
  public var time: Timestamp
  /// What is to be said of the time.
  public var doubt: TimeDoubt?
  public var event: EventReference?

  /// The shape of section 6.
  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("kind", node.kind.rawValue)
      writer.field("id", node.id)
      writer.field("role", role)
      writer.field("relation", relation)
      writer.field("evidence", evidence.rawValue)
      writer.field("certainty", isCertain ? "certain" : "possible")
      writer.field("reason", reason)
      writer.field("alternatives", alternatives)
      writer.field("station", station)
      writer.field("time", time)
      doubt?.write(to: &writer)
      if let event {
        writer.key("event")
        event.write(to: &writer)
      }
    }
  }
}

/// A part of a list, and where the next one begins.
public struct Page<Item: Sendable>: Sendable {
  public let items: [Item]
  /// Opaque; nil at the end.
  public let next: String?

  public init(items: [Item], next: String?) {
    self.items = items
    self.next = next
  }
}

/// What an identifier leads to.
public enum Lookup<Record: Sendable>: Sendable {
  case found(Record)
  /// The code fits these identifiers of different scopes; truncated: and more, which `search` lists page by page.
  case several([String], isTruncated: Bool)
  case unknown

  /// How many candidates are named.
  static var candidateLimit: Int { 50 }
}
