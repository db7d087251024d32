private import Foundation

/// A secret that one side shows and the other knows; never printed.
public struct BearerToken: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  private let bytes: [UInt8]

  /// Takes 16 to 4,096 printable ASCII characters without spaces; nil for anything else.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard (16...4096).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    self.bytes = bytes
  }

  /// Reads a file that holds the token, white space around it aside.
  public init(file path: String) throws(TokenFault) {
    guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path) }
    let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let token = BearerToken(text) else { throw .malformed(path) }
    self = token
  }

  /// The value of the header `Authorization`.
  public var authorization: String { "Bearer " + String(decoding: bytes, as: UTF8.self) }

  /// Whether the value of a header `Authorization` shows this token; takes as long for a near miss as for a far one.
  ///
  /// `Basic` with the token as password is taken too, because that is what a browser can ask a person for.
  public func isShown(in authorization: String?) -> Bool {
    guard let authorization, let space = authorization.firstIndex(of: " ") else { return false }
    let credentials = authorization[space...].drop { $0 == " " }
    switch authorization[..<space].lowercased() {
    case "bearer": return isSame(Array(credentials.utf8))
    case "basic":
      guard let decoded = Data(base64Encoded: String(credentials)), let colon = decoded.firstIndex(of: 0x3A) else {
        return false
      }
      return isSame(Array(decoded[(colon + 1)...]))
    default: return false
    }
  }

  private func isSame(_ candidate: [UInt8]) -> Bool {
    guard candidate.count == bytes.count else { return false }
    var difference: UInt8 = 0
    for (a, b) in zip(candidate, bytes) { difference |= a ^ b }
    return difference == 0
  }

  public var description: String { "***" }
  public var debugDescription: String { "***" }
}

/// Why a token file is of no use.
public enum TokenFault: Error, Sendable, Hashable, CustomStringConvertible {
  case unreadable(String)
  case malformed(String)

  public var description: String {
    switch self {
    case .unreadable(let path): "the token file \(path) cannot be read: see that it exists and who may read it"
    case .malformed(let path):
      "the token file \(path) must hold one token of 16 to 4096 printable characters without spaces"
    }
  }
}
