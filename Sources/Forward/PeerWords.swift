private import AsyncHTTPClient
import Events
private import Glibc
private import NIOCore
private import NIOHTTP1
private import NIOPosix
private import NIOSSL

/// Why the other end was not reached, in the words of a person who has to find out.
enum PeerWords {
  /// One sentence without its full stop; what the libraries call it is never shown bare.
  static func sentence(for error: any Error) -> String {
    switch error {
    case let error as IOError: sentence(forErrno: error.errnoCode)
    case let error as NIOConnectionError:
      error.connectionErrors.first.map { sentence(for: $0.error) }
        ?? "the name \(error.host) has no address: check how it is spelt, and this PC's name server"
    case is SocketAddressError, is SocketAddressError.UnknownHost:
      "its name has no address: check how it is spelt, and this PC's name server"
    case let error as HTTPClientError: sentence(for: error)
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: sentence(forTLS: "\(error)")
    case is HTTPParserError: "what answers there does not speak HTTP: check the port"
    case is ChannelError: "the connection was closed before the answer was whole"
    default: "the connection failed (\(String("\(type(of: error)) \(error)".prefix(120))))"
    }
  }

  /// The beginning of an answer that is no problem of ours, in one line; markup says nothing to a technician.
  static func beginning(of body: [UInt8]) -> String {
    let words = String(decoding: body.prefix(120), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard let first = words.first else { return "nothing more" }
    return first.hasPrefix("<")
      ? "a page of HTML, so it is another program: check the address and the port" : words.joined(separator: " ")
  }

  private static func sentence(forErrno code: Int32) -> String {
    switch code {
    case ECONNREFUSED: "nothing listens there (connection refused): see that it runs, and that the port is right"
    case ECONNRESET, EPIPE, ECONNABORTED: "the connection was broken off by the other side, or on the way"
    case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN:
      "there is no way to that address now: check cable, switch and address"
    case ETIMEDOUT: "no answer to the connection: the other PC is off, or something on the way drops it"
    case EMFILE, ENFILE: "too many files are open in this process"
    default: "the connection failed: \(String(cString: strerror(code)))"
    }
  }

  private static func sentence(for error: HTTPClientError) -> String {
    switch error {
    case .connectTimeout:
      "no connection within 10 s: the other PC is off, or something on the way drops it"
    case .remoteConnectionClosed, .uncleanShutdown: "the connection was closed before the answer was whole"
    case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout: "no answer in time"
    case .tlsHandshakeTimeout: "it does not answer in TLS: check whether the address should begin with http://"
    default: "the request failed: \(error.shortDescription.lowercased())"
    }
  }

  /// No clock that is right shows a time before this.
  private static let earliest = Timestamp(microseconds: 1_577_836_800_000_000)

  /// - Parameter now: what this PC's clock shows: where that cannot be, a certificate is not to blame.
  static func sentence(forTLS text: String, now: Timestamp = Moment.now().time) -> String {
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
      let day = now.description.prefix(10)
      return now < earliest
        ? "this PC's clock shows \(day), when no certificate was valid yet: set the clock, and see to its battery and its "
          + "time server"
        : "its certificate is not signed by an authority that is trusted here, or is not valid on \(day), which is today by "
          + "this PC's clock: check ca-file, and the clock"
    }
    if text.contains("failedToValidateHostname") {
      return "its certificate is for another name: use in the address the name that the certificate has"
    }
    if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
      return "it does not speak TLS: check the port, and whether the address should begin with http://"
    }
    if text.contains("uncleanShutdown") { return "the connection was closed before the answer was whole" }
    return "no secure connection (\(text.prefix(120)))"
  }
}

extension String {
  /// The text without the full stop at its end, to be put into a sentence.
  var withoutStop: String { hasSuffix(".") && !hasSuffix("..") ? String(dropLast()) : self }
}
