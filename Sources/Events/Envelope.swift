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
  public init(line: some Collection<UInt8>) throws(Fault) {
    let read: Result<Envelope, Fault>? = line.withContiguousStorageIfAvailable { Self.scan($0) }
    self = try (read ?? ContiguousArray(line).withUnsafeBufferPointer { Self.scan($0) }).get()
  }

  private init(_ fields: Fields) throws(Fault) {
    func need<Value>(_ name: String, _ text: String?, _ read: (String) -> Value?) throws(Fault) -> Value {
      guard let text else { throw .missing(name) }
      guard let value = read(text) else { throw .invalid(name) }
      return value
    }
    guard try need("specversion", fields.specversion, { $0 }) == "1.0" else { throw .invalid("specversion") }
    id = try need("id", fields.id) { EventID($0) }
    source = try need("source", fields.source) { SourceName($0) }
    type = try need("type", fields.type) { $0.isEmpty ? nil : $0 }
    time = try need("time", fields.time) { Timestamp($0) }
    subject = try need("subject", fields.subject) { $0 }
    boottimeNanoseconds = try need("boottime", fields.boottime) { UInt64($0) }
    guard let data = fields.data else { throw .missing("data") }
    self.data = data
  }

  private struct Fields {
    var specversion, id, source, type, time, subject, boottime: String?
    var data: Range<Int>?
  }

  private static func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<Envelope, Fault> {
    var found = Fields()
    var scanner = JSONScanner(bytes)
    let whole = scanner.fields { scanner, key in
      switch Field(bytes[key]) {
      case .data:
        scanner.skipSpace()
        guard !scanner.isAtEnd, bytes[scanner.at] == 0x7B else { return false }
        found.data = scanner.skip()
        return found.data != nil
      case .other: return scanner.skip() != nil
      case .text(let path):
        scanner.skipSpace()
        guard let range = scanner.string(), let text = scanner.text(range) else { return false }
        found[keyPath: path] = text
        return true
      }
    }
    scanner.skipSpace()
    guard whole, scanner.isAtEnd else { return .failure(.notJSON) }
    do throws(Fault) { return .success(try Envelope(found)) } catch { return .failure(error) }
  }

  private enum Field {
    case text(WritableKeyPath<Fields, String?>)
    case data
    case other

    init(_ name: Slice<UnsafeBufferPointer<UInt8>>) {
      switch String(decoding: name, as: UTF8.self) {
      case "specversion": self = .text(\.specversion)
      case "id": self = .text(\.id)
      case "source": self = .text(\.source)
      case "type": self = .text(\.type)
      case "time": self = .text(\.time)
      case "subject": self = .text(\.subject)
      case "boottime": self = .text(\.boottime)
      case "data": self = .data
      default: self = .other
      }
    }
  }
}
