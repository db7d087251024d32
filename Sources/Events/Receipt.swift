/// The central's word on how far it has a source's events.
public struct Receipt: Sendable, Hashable {
  public let source: SourceName
  public let incarnation: Incarnation
  /// All events up to here are committed there.
  public let receivedThrough: UInt64
  /// The chain's hash after `receivedThrough`.
  public let head: ChainHash
  /// All events up to here are in a verified backup of the central too.
  public let safeThrough: UInt64

  public init(
    source: SourceName, incarnation: Incarnation, receivedThrough: UInt64, head: ChainHash, safeThrough: UInt64
  ) {
    self.source = source
    self.incarnation = incarnation
    self.receivedThrough = receivedThrough
    self.head = head
    self.safeThrough = safeThrough
  }

  /// The wire form (design.md, section 6).
  public var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("source", source.description)
      writer.field("incarnation", incarnation.description)
      writer.field("received_through", receivedThrough)
      writer.field("head", head.description)
      writer.field("safe_through", safeThrough)
    }
    return writer.bytes
  }

  /// Reads the wire form; nil where anything is missing or not of its form (a portal's HTML, say).
  public init?(json bytes: some Collection<UInt8>) {
    guard let json = JSON(bytes), let source = json["source"]?.text.flatMap({ SourceName($0) }),
      let incarnation = json["incarnation"]?.text.flatMap({ Incarnation($0) }),
      let received = json["received_through"]?.whole.flatMap({ UInt64(exactly: $0) }),
      let head = json["head"]?.text.flatMap({ ChainHash($0) }),
      let safe = json["safe_through"]?.whole.flatMap({ UInt64(exactly: $0) })
    else { return nil }
    self.init(source: source, incarnation: incarnation, receivedThrough: received, head: head, safeThrough: safe)
  }
}
