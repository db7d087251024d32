import Events

/// What a list was asked with that it cannot read: a sentence with what was found and what is allowed.
public struct ListFault: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Where a list goes on: opaque to who asks, and good for the list that gave it only.
struct Cursor: CustomStringConvertible {
  enum List: String { case chain, conflicts, events, gaps, search }

  let list: List
  let number: Int64
  let text: String

  init(_ list: List, number: Int64, text: String = "") {
    self.list = list
    self.number = number
    self.text = text
  }

  var description: String { hex("\(list.rawValue) \(number) \(text)".utf8) }

  /// Reads what `description` wrote; nil where none is given, a fault for anything else.
  static func read(_ encoded: String?, of list: List) throws(ListFault) -> Cursor? {
    guard let encoded else { return nil }
    guard let bytes = bytes(hex: encoded), let text = String(validating: bytes, as: UTF8.self),
      let cursor = Cursor(text), cursor.list == list
    else {
      throw ListFault(
        "cursor=\(encoded.prefix(40)) is none that this list gave: take it from the answer before as it is, or leave it "
          + "out to begin at the start")
    }
    return cursor
  }

  private init?(_ text: String) {
    let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let list = List(rawValue: String(parts[0])), let number = Int64(parts[1])
    else { return nil }
    self.init(list, number: number, text: String(parts[2]))
  }
}
