import Events

// SQLite ends a text at U+0000 where it is bound or read without its length. An identifier writes such a character
// as an identifier writes `%` and `~` in a code, percent-encoded, so that none is cut and no two become one.

extension String {
  /// The text with each U+0000 written `%00`: how a name is kept, and looked for, in the store.
  var storable: String { utf8.contains(0) ? replacing("\u{0}", with: "%00") : self }
}

extension JSON {
  /// Reads an event's data with all texts as the store keeps them, and without the fields of some names.
  init?(storing bytes: ArraySlice<UInt8>, without unwanted: [StaticString] = []) {
    self.init(bytes, without: unwanted)
    if Self.hasNull(bytes) { self = storable }
  }

  /// Whether a `\u0000` may be in it.
  private static func hasNull(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard var at = bytes.firstIndex(of: 0x5C) else { return false }
    while at + 5 < bytes.endIndex {
      if bytes[at] == 0x5C {
        if bytes[(at + 1)...(at + 5)].elementsEqual("u0000".utf8) { return true }
        at += 2
      } else {
        at += 1
      }
    }
    return false
  }

  private var storable: JSON {
    switch self {
    case .string(let text): .string(text.storable)
    case .array(let items): .array(items.map(\.storable))
    case .object(let members): .object(members.map { Member($0.name.storable, $0.value.storable) })
    default: self
    }
  }
}
