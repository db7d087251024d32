import Foundation
import Settings

/// Where a daemon listens for HTTP, and what it needs for that beyond this PC.
struct WebSettings: Sendable, Hashable {
  var listen: ListenAddress
  /// PEM; nil: plain HTTP, on loopback only.
  var certificateFile: String?
  var keyFile: String?
  /// The token that readers must show; nil: none is asked for, on loopback only.
  var tokenFile: String?
}

/// A host and a port to listen at.
struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address; IPv6 without brackets.
  var host: String
  /// 0: any free one.
  var port: Int

  /// Only programs of this PC can reach it.
  var isLoopback: Bool { lotline.isLoopback(host) }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `127.0.0.1:8470`, `[::1]:8470`, `0.0.0.0:8480`.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "/" && $0 != "[" }) else {
      return nil
    }
    self.init(host: String(host), port: Int(port))
  }
}

/// Whether a host is this PC itself, as nobody else can reach it.
func isLoopback(_ host: String) -> Bool {
  let octets = host.split(separator: ".", omittingEmptySubsequences: false)
  return host == "localhost" || host == "::1"
    || (octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil })
}

/// Where the commands of this PC reach a daemon.
struct ControlSettings: Sendable, Hashable {
  /// Nil: the daemon's standard place.
  var socket: String?

  init() {}

  init(_ node: SettingsNode, example: String) {
    var fields = node.fields(of: "{ socket: \(example) }")
    defer { fields.close() }
    socket = fields.text("socket", "the path of a socket")
    if let socket, socket.utf8.count > 107 {
      fields.optional("socket")?.refuse(found: "a path of \(socket.utf8.count) bytes", allowed: "at most 107")
    }
  }
}

/// How to reach the other end.
struct PeerSettings: Sendable, Hashable {
  /// `https://…`, or `http://…` on loopback; without a path.
  var url: String
  var tokenFile: String?
  /// PEM of the authority that signed the other end's certificate; nil: those that the system trusts.
  var caFile: String?
  /// Whether what is sent there is packed by gzip.
  var compresses = true
}

extension WebSettings {
  /// Reads `web`, or takes the defaults; beyond loopback it must have what protects it.
  ///
  /// - Parameter asksToken: whether readers from beyond loopback show the token of this section.
  static func read(_ node: SettingsNode?, default standard: ListenAddress, asksToken: Bool) -> WebSettings {
    var web = WebSettings(listen: standard)
    guard let node else { return web }
    var fields = node.fields(of: "{ listen: \"\(standard)\" }")
    defer { fields.close() }
    let listen = fields.optional("listen")
    if let listen {
      if let address = listen.text.flatMap({ ListenAddress($0) }) {
        web.listen = address
      } else {
        listen.refuse(allowed: "an address and a port, such as \"127.0.0.1:8470\" or \"[::1]:8470\"")
      }
    }
    web.certificateFile = fields.text("certificate-file", "the path of a PEM file")
    web.keyFile = fields.text("key-file", "the path of a PEM file")
    if asksToken {
      web.tokenFile = fields.text("token-file", "the path of a file")
      fields.unsupported("primary", "another primary consumer than central")
    }
    if fields.has("certificate-file") != fields.has("key-file") {
      let (there, missing) =
        fields.has("key-file") ? ("key-file", "certificate-file") : ("certificate-file", "key-file")
      node.refuse(found: "\(there) without \(missing)", allowed: "both, or neither")
    } else if !web.listen.isLoopback {
      let needed = ["certificate-file", "key-file"] + (asksToken ? ["token-file"] : [])
      let missing = needed.filter { !fields.has($0) }
      if !missing.isEmpty {
        (listen ?? node).refuse(
          found: "\"\(web.listen)\", beyond this PC, without \(missing.joined(separator: ", "))",
          allowed: "an address of loopback (127.0.0.1, ::1), or \(needed.joined(separator: ", ")) as well")
      }
    }
    return web
  }
}

extension PeerSettings {
  /// Reads the fields `url` (or how it is called here), `token-file` and `ca-file`.
  init?(_ fields: inout Fields, urlName: String) {
    let node = fields.required(urlName, "\"https://trace.plant1:8480\"")
    tokenFile = fields.text("token-file", "the path of a file")
    caFile = fields.text("ca-file", "the path of a PEM file")
    guard let node else { return nil }
    guard let url = node.text, let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
      parts.scheme == "https" || parts.scheme == "http", parts.query == nil, parts.fragment == nil, parts.user == nil,
      ["", "/"].contains(parts.path)
    else {
      node.refuse(allowed: "https, a host and a port, such as \"https://trace.plant1:8480\"")
      return nil
    }
    let name = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    if parts.scheme == "http", !isLoopback(name) {
      node.refuse(
        found: "http to another PC, \"\(url.prefix(80))\"", allowed: "https; http reaches loopback alone")
      return nil
    }
    if parts.scheme == "http", fields.has("ca-file") {
      node.refuse(found: "http with a ca-file", allowed: "https, or no ca-file")
    }
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
  }
}

/// The form of the names of stations and readers: they become part of keys, addresses and messages.
func isName(_ text: String) -> Bool {
  guard (1...64).contains(text.utf8.count), let first = text.first, first.isLetter || first.isNumber else {
    return false
  }
  return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
}

extension SettingsNode {
  /// Refuses a name that cannot be one; says whether it is.
  func checkName(_ name: String, of what: String) -> Bool {
    if isName(name) { return true }
    refuse(
      found: "the \(what) name \"\(name.prefix(80))\"",
      allowed: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")
    return false
  }
}

/// The problems of all files that were read, thrown as one.
struct ProblemList {
  private var problems: [Problem] = []

  mutating func add(_ more: [Problem]) { problems += more }

  /// Adds what `file` has recorded.
  mutating func add(_ file: SettingsFile) {
    do { try file.check() } catch let error as SettingsError { problems += error.problems } catch {
      problems.append(Problem(file: file.name, line: 0, field: "", found: "\(error)", allowed: "a readable file"))
    }
  }

  /// Throws them in the order of the files, `first` before all others, and of their lines.
  func check(first: String) throws {
    guard !problems.isEmpty else { return }
    let sorted = problems.enumerated().sorted { a, b in
      (a.element.file == first ? 0 : 1, a.element.file, a.element.line, a.offset)
        < (b.element.file == first ? 0 : 1, b.element.file, b.element.line, b.offset)
    }
    throw SettingsError(sorted.map(\.element))
  }
}
