/// What the languages of PLCs (IEC 61131-3), manuals and the lists of programmers call the types.
enum TypeWords {
  private static let words: [ValueType: [String]] = [
    .bool: ["boolean", "bit", "coil", "flag", "digital"],
    .int16: ["int", "integer", "short", "s16", "i16", "sint16"],
    .uint16: ["word", "uint", "ushort", "unsigned", "u16", "int16u", "uns16"],
    .int32: ["dint", "long", "longint", "s32", "i32", "sint32"],
    .uint32: ["dword", "udint", "ulong", "u32", "int32u", "uns32"],
    .int64: ["lint", "longlong", "s64", "i64", "sint64"],
    .uint64: ["lword", "ulint", "u64", "int64u", "uns64"],
    .float32: ["real", "float", "single", "f32", "real32"],
    .float64: ["lreal", "double", "f64", "real64"],
    .bcd16: ["bcd", "bcd4"],
    .bcd32: ["bcd8", "dbcd"],
    .string: ["text", "ascii", "char", "chars", "str"],
  ]

  private static let types: [String: ValueType] = {
    var types: [String: ValueType] = [:]
    for (type, names) in words { for name in names + [type.rawValue] { types[name] = type } }
    return types
  }()

  private static let bytes: Set<String> = ["byte", "sint", "usint", "int8", "uint8", "s8", "u8", "int8u"]

  /// The type that a word means, in the words of a map; a word that is none of these in lower case.
  static func type(_ word: String) -> String {
    meaning(of: word)?.rawValue ?? (word.allSatisfy { $0.isLetter || $0.isNumber } ? word.lowercased() : word)
  }

  /// The type that a word means; nil where it means none.
  static func meaning(of word: String) -> ValueType? { types[folded(word)] }

  /// Whether a word means a single byte, which Modbus has no place for.
  static func isByte(_ word: String) -> Bool { bytes.contains(folded(word)) }

  private static func folded(_ word: String) -> String {
    word.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" }
  }
}
