/// The outside of an event's line, read by a scan over its bytes; `data` is only checked and located.
public struct Envelope: Sendable, Hashable {
  public let id: EventID
  public let source: SourceName
  /// As it stands; a type that this version does not know is stored all the same.
  public let type: String
  public let time: Timestamp
  public let subject: String
  public let boottimeNanoseconds: UInt64
  /// Where the bytes of `data` are in the line, counted from its first byte.
  public let data: Range<Int>

  /// Why a line is not an event.
  public enum Fault: Error, Sendable, Hashable, CustomStringConvertible {
    case notJSON
    case missing(String)
    case invalid(String)

    public var description: String {
      switch self {
      case .notJSON: "the line is not one JSON object"
      case .missing(let field): "the event has no field \"\(field)\""
      case .invalid(let field): "the event's field \"\(field)\" has not the form that is asked for"
      }
    }
  }

  /// Reads `line` (no newline), its fields in any order.
  ///
  /// Consecutive lines name the same things: with the envelope before this one in `like`, what is equal is shared
  /// with it in place of a copy.
  public init(line: some Collection<UInt8>, like: Envelope? = nil) throws(Fault) {
    let read: Result<Envelope, Fault>? = line.withContiguousStorageIfAvailable { Self.scan($0, like) }
    self = try (read ?? ContiguousArray(line).withUnsafeBufferPointer { Self.scan($0, like) }).get()
  }

  private static func scan(_ bytes: UnsafeBufferPointer<UInt8>, _ like: Envelope?) -> Result<Envelope, Fault> {
    var found = Found()
    var scanner = JSONScanner(bytes)
    let whole = scanner.fields { scanner, key in found.take(key, &scanner) }
    scanner.skipSpace()
    guard whole, scanner.isAtEnd else { return .failure(.notJSON) }
    do throws(Fault) { return .success(try Envelope(found, scanner, like)) } catch { return .failure(error) }
  }

  /// Where the fields are: the insides of strings, and `data` as it stands.
  private struct Found {
    var specversion, id, source, type, time, subject, boottime, data: Range<Int>?

    /// Passes over one field's value; false if it is malformed.
    mutating func take(_ key: Range<Int>, _ scanner: inout JSONScanner) -> Bool {
      scanner.skipSpace()
      func kept(_ range: inout Range<Int>?) -> Bool {
        range = scanner.string()
        return range != nil
      }
      if scanner.word(key, is: "id") { return kept(&id) }
      if scanner.word(key, is: "time") { return kept(&time) }
      if scanner.word(key, is: "type") { return kept(&type) }
      if scanner.word(key, is: "source") { return kept(&source) }
      if scanner.word(key, is: "subject") { return kept(&subject) }
      if scanner.word(key, is: "boottime") { return kept(&boottime) }
      if scanner.word(key, is: "specversion") { return kept(&specversion) }
      guard scanner.word(key, is: "data") else { return scanner.skip() != nil }
      guard scanner.isObject else { return false }
      data = scanner.skip()
      return data != nil
    }
  }

  private init(_ found: Found, _ scanner: JSONScanner, _ like: Envelope?) throws(Fault) {
    func need<Value>(_ name: String, _ range: Range<Int>?, _ read: (Range<Int>) -> Value?) throws(Fault) -> Value {
      guard let range else { throw .missing(name) }
      guard let value = read(range) else { throw .invalid(name) }
      return value
    }
    _ = try need("specversion", found.specversion) { scanner.word($0, is: "1.0") ? true : nil }
    id = try need("id", found.id) { EventID(scanner, $0, like: like?.id) }
    source = try need("source", found.source) { range in
      scanner.text(range, like: like?.source.description)
        .flatMap { $0 == like?.source.description ? like?.source : SourceName($0) }
    }
    type = try need("type", found.type) { range in
      scanner.text(range, like: like?.type).flatMap { $0.isEmpty ? nil : $0 }
    }
    time = try need("time", found.time) { Timestamp(bytes: UnsafeBufferPointer(rebasing: scanner.bytes[$0])) }
    subject = try need("subject", found.subject) { scanner.text($0, like: like?.subject) }
    boottimeNanoseconds = try need("boottime", found.boottime) { scanner.whole($0) }
    guard let data = found.data else { throw .missing("data") }
    self.data = data
  }
}

extension EventID {
  /// From the inside of a string in a line.
  fileprivate init?(_ scanner: JSONScanner, _ range: Range<Int>, like: EventID?) {
    let colon = range.lowerBound + 32
    guard range.count > 33, scanner.bytes[colon] == 0x3A, let sequence = scanner.whole(colon + 1..<range.upperBound),
      (1...Self.highestSequence).contains(sequence),
      let text = scanner.text(range.lowerBound..<colon, like: like?.incarnation.description),
      let incarnation = text == like?.incarnation.description ? like?.incarnation : Incarnation(text)
    else { return nil }
    self.init(incarnation: incarnation, sequence: sequence)
  }
}
