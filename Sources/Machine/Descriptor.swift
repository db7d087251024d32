public import Glibc

/// A file descriptor with one owner, closed when the owner lets go of it.
public struct Descriptor: ~Copyable {
  public let number: Int32

  /// Takes over `number`, which nobody else closes from now on.
  public init(owning number: Int32) { self.number = number }

  deinit { close(number) }
}

/// A failed call to the system: what was tried, on what, and the system's reason.
public struct SystemFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public let doing: String
  public let code: Int32

  /// Call it as the very next statement after the failed call: it reads `errno`.
  public init(doing: String, code: Int32 = errno) {
    self.doing = doing
    self.code = code
  }

  /// Of a file that was to be made, also as the very next statement.
  public static func making(_ path: String, code: Int32 = errno) -> SystemFailure {
    let hint = code == EROFS ? ", where a service may write if ReadWritePaths in its unit names the folder" : ""
    return SystemFailure(doing: "making \(path)\(hint)", code: code)
  }

  public var reason: String { String(cString: strerror(code)) }
  public var description: String { "\(doing): \(reason)" }
}

/// Calls `body` again as long as a signal interrupted it (`EINTR`).
@inlinable
public func retrying<Result: SignedInteger>(_ body: () -> Result) -> Result {
  while true {
    let result = body()
    if result != -1 || errno != EINTR { return result }
  }
}
