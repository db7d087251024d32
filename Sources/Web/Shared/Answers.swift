import Compression
public import Events
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore

extension Response {
  /// A whole answer of one type.
  public init(bytes: some Sequence<UInt8>, type: String, status: HTTPResponse.Status = .ok) {
    self.init(
      status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  public init(text: String, type: String, status: HTTPResponse.Status = .ok) {
    self.init(
      status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
  }

  /// JSON that is bytes already, such as a receipt.
  public init(json: some Sequence<UInt8>, status: HTTPResponse.Status = .ok) {
    self.init(bytes: json, type: "application/json", status: status)
  }

  /// A JSON object whose fields `write` gives.
  public init(status: HTTPResponse.Status = .ok, object write: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    writer.object(write)
    self.init(json: writer.bytes, status: status)
  }
}

extension Request {
  /// The header of that name, whatever its case.
  public func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

  /// The value of a field of the query, decoded; nil where it is not asked.
  public func query(_ name: String) -> String? { uri.queryParameters[Substring(name)].map(String.init) }

  /// A whole number of the query; refused with a sentence where it is not one or not within `range`.
  public func number(_ name: String, in range: ClosedRange<UInt64>) throws(WebProblem) -> UInt64? {
    guard let text = query(name) else { return nil }
    guard let number = UInt64(text), range.contains(number) else {
      throw WebProblem(
        .badRequest,
        "\(name)=\(text.prefix(40)) is not a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }

  /// `true` or `false` (or not there) in the query; refused with a sentence where it is anything else.
  public func flag(_ name: String) throws(WebProblem) -> Bool {
    switch query(name) {
    case nil, "false": return false
    case "true": return true
    case let text?: throw WebProblem(.badRequest, "\(name)=\(text.prefix(40)) is neither true nor false.")
    }
  }

  /// Whether the client asks for this media type by name (`*/*` does not).
  public func asks(for type: String) -> Bool {
    (headers[.accept] ?? "").lowercased().split(separator: ",").contains { part in
      part.prefix { $0 != ";" }.filter { $0 != " " } == type[...]
    }
  }

  /// The whole body, at most `limit` bytes.
  public func bytes(upTo limit: Int) async throws -> [UInt8] {
    do {
      let buffer = try await body.collect(upTo: limit)
      return Array(buffer.readableBytesView)
    } catch is NIOTooManyBytesError {
      throw WebProblem(.contentTooLarge, "The body is larger than \(limit) bytes: send it in smaller parts.")
    }
  }

  /// The whole body, unpacked where it is packed by gzip; at most `limit` bytes either way.
  ///
  /// It is unpacked as it comes, and left where it gets larger: a small body that would fill the memory cannot.
  public func unpackedBytes(upTo limit: Int) async throws -> [UInt8] {
    switch header("Content-Encoding")?.lowercased() {
    case nil, "identity": return try await bytes(upTo: limit)
    case "gzip": break
    case let coding?:
      throw WebProblem(
        .unsupportedMediaType, "The body is packed as \(coding.prefix(40)): send it as gzip, or as it is.",
        headers: [.acceptEncoding: "gzip"])
    }
    let inflater = Inflater(limit: limit)
    do {
      for try await part in body { try part.withUnsafeReadableBytes { try inflater.take($0) } }
      return try inflater.finish()
    } catch GzipFault.tooLarge {
      throw WebProblem(
        .contentTooLarge, "Unpacked the body is larger than \(limit) bytes: send it in smaller parts.")
    } catch let fault as GzipFault {
      throw WebProblem(
        .badRequest, "The body cannot be unpacked: \(fault).", fields: [.init("kind", .string("malformed"))])
    }
  }

  /// Whether the client takes an answer that is packed by gzip.
  public var takesGzip: Bool {
    (headers[.acceptEncoding] ?? "").lowercased().split(separator: ",").contains { part in
      let words = part.filter { $0 != " " }.split(separator: ";")
      guard words.first == "gzip" else { return false }
      return !words.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
    }
  }
}
