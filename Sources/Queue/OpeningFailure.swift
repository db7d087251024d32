/// Why the queue could not be opened, in one line for people.
public struct OpeningFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
  /// Another process has it: the one that could not open it did no harm, and none was done to it.
  public let isInUse: Bool

  init(_ description: String, isInUse: Bool = false) { (self.description, self.isInUse) = (description, isInUse) }
}
