/// Why the store cannot be opened or asked, worded for the person who runs it.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
