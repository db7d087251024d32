public import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
import NIOCore
import NIOSSL

/// Where a service listens, and with which certificate.
public struct WebListener: Sendable, Hashable {
  public var host: String
  /// 0: any free port.
  public var port: Int
  /// PEM; both or none.
  public var certificateFile: String?
  public var keyFile: String?
  /// How long clients may take over their requests.
  public var patience = RequestPatience()

  public init(host: String, port: Int, certificateFile: String? = nil, keyFile: String? = nil) {
    self.host = host
    self.port = port
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }

  /// Reads `host:port`, `[::1]:port`; nil for anything else.
  public init?(_ text: String, certificateFile: String? = nil, keyFile: String? = nil) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty, text.hasPrefix("[") || !host.contains(":") else { return nil }
    self.init(host: host, port: port, certificateFile: certificateFile, keyFile: keyFile)
  }

  /// Whether only this machine can reach it.
  public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  /// The address of the first page, once the port is known.
  public func url(port: Int) -> String {
    "\(certificateFile == nil ? "http" : "https")://\(host.contains(":") ? "[\(host)]" : host):\(port)/"
  }

  /// Puts a router behind this listener.
  ///
  /// The number of connections is bounded, because libmodbus aborts a process whose descriptors reach 1,024.
  /// - Parameters:
  ///   - name: for the log.
  ///   - connectionLimit: further clients wait until one goes.
  ///   - onRunning: called with the port once clients can connect.
  public func application<Context: RequestContext>(
    _ router: Router<Context>, name: String, connectionLimit: Int = 200, logger: Logger,
    onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws -> Application<RouterResponder<Context>>
  where Context: InitializableFromSource<ApplicationRequestContextSource> {
    var quiet = logger
    quiet[metadataKey: "listener"] = "\(name)"
    // That it listens is ours to say.
    quiet.logLevel = max(quiet.logLevel, .notice)
    return Application(
      router: router, server: try server(),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(connectionLimit, logger: quiet)),
      onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) }, logger: quiet)
  }

  private func server() throws -> HTTPServerBuilder {
    let gate = ConnectionGate(patience)
    let http = HTTPServerBuilder.http1(
      configuration: .init(
        additionalChannelHandlers: [PromptRequests(gate)],
        idleTimeout: .seconds(75),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: 8 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 64)))
    guard let certificateFile, let keyFile else { return http }
    let certificates: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey
    do { certificates = try NIOSSLCertificate.fromPEMFile(certificateFile) } catch {
      throw ListenerFault(what: "certificate-file", path: certificateFile, why: "\(error)")
    }
    do { key = try NIOSSLPrivateKey(file: keyFile, format: .pem) } catch {
      throw ListenerFault(what: "key-file", path: keyFile, why: "\(error)")
    }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    tls.minimumTLSVersion = .tlsv12
    return try .tls(http, tlsConfiguration: tls)
  }
}

/// A certificate or key that cannot be used.
public struct ListenerFault: Error, Sendable, CustomStringConvertible {
  let what: String
  let path: String
  let why: String

  public var description: String { "\(what) \(path) cannot be used: \(why). It must be a readable PEM file." }
}
