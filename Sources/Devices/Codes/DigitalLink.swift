/// Reads a GS1 Digital Link: a web address whose path names a key and its qualifiers, and whose query more
/// (GS1 Digital Link Standard: URI Syntax, section 4).
struct DigitalLink {
  private(set) var elements: [CodeElement] = []
  private(set) var problems: [CodeProblem] = []
  private let bytes: ArraySlice<UInt8>
  private let now: Int

  /// Nil where `bytes` is no web address, or one that names no key of GS1: that is a plain text.
  init?(_ bytes: ArraySlice<UInt8>, now: Int) {
    guard let start = Self.afterScheme(bytes) else { return nil }
    self.bytes = bytes
    self.now = now
    let whole = bytes[start...].prefix { $0 != UInt8(ascii: "#") }
    let queryAt = whole.firstIndex(of: UInt8(ascii: "?")) ?? whole.endIndex
    let host = whole[..<queryAt].prefix { $0 != Self.slash }
    let segments = whole[host.endIndex..<queryAt].split(separator: Self.slash, omittingEmptySubsequences: false)
      .dropFirst()
    let path = segments.last?.isEmpty == true ? segments.dropLast() : segments
    guard !path.isEmpty else { return nil }
    guard let key = Self.keyPlace(in: path) else {
      guard Self.isCompressed(host, path) else { return nil }
      problems.append(
        CodeProblem(
          at: path[path.startIndex].startIndex + 1, kind: .unsupported,
          message: "a compressed GS1 Digital Link, which is not decoded here: only addresses with /01/ and the like are"
        ))
      return
    }
    readPath(path[key...])
    if queryAt < whole.endIndex { readQuery(whole[(queryAt + 1)...]) }
    problems += ElementsTogether.check(&elements).problems
  }

  private static let slash = UInt8(ascii: "/")

  private static func afterScheme(_ bytes: ArraySlice<UInt8>) -> Int? {
    for scheme in ["https://", "http://"] where bytes.count > scheme.utf8.count {
      let head = bytes.prefix(scheme.utf8.count)
      if zip(head, scheme.utf8).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) { return head.endIndex }
    }
    return nil
  }

  /// Where the key stands: the last place from which the path is pairs of identifier and value, the first a key.
  private static func keyPlace(in path: ArraySlice<ArraySlice<UInt8>>) -> Int? {
    var at = path.endIndex - 2
    while at >= path.startIndex, let definition = definition(path[at]) {
      if definition.link != nil { return at }
      at -= 2
    }
    return nil
  }

  private static func definition(_ segment: ArraySlice<UInt8>) -> ApplicationIdentifier? {
    guard (2...4).contains(segment.count), segment.allSatisfy(isDigit) else { return nil }
    return CodeTables.applicationIdentifiers[String(decoding: segment, as: UTF8.self)]
  }

  /// Told only where it is certain enough: the domain is GS1's own.
  private static func isCompressed(_ host: ArraySlice<UInt8>, _ path: ArraySlice<ArraySlice<UInt8>>) -> Bool {
    host.elementsEqual("id.gs1.org".utf8) && path.count == 1
      && path[path.startIndex].count >= 10 && path[path.startIndex].allSatisfy(FieldPart.Characters.set64.contains)
  }

  // MARK: Path

  private mutating func readPath(_ path: ArraySlice<ArraySlice<UInt8>>) {
    var qualifiers: [String] = []
    var key: ApplicationIdentifier?
    for at in stride(from: path.startIndex, to: path.endIndex - 1, by: 2) {
      guard let definition = Self.definition(path[at]) else { continue }
      take(definition, at: path[at].startIndex, value: path[at + 1])
      if key == nil { key = definition } else { qualifiers.append(definition.ai) }
    }
    guard let key, let orders = key.link, !qualifiers.isEmpty else { return }
    guard !orders.contains(where: { Self.isInOrder(qualifiers, $0) }) else { return }
    let allowed = orders.map { $0.joined(separator: "/") }.joined(separator: " or ")
    problems.append(
      CodeProblem(
        at: path[path.startIndex + 2].startIndex + 1, kind: .form,
        message:
          "the path of \(key.title) goes on with \(allowed.isEmpty ? "nothing" : "\(allowed), in that order"), "
          + "found \(qualifiers.joined(separator: "/"))"))
    for index in elements.indices.dropFirst() { elements[index].isDoubtful = true }
  }

  private static func isInOrder(_ qualifiers: [String], _ order: [String]) -> Bool {
    var rest = order[...]
    for qualifier in qualifiers {
      guard let place = rest.firstIndex(of: qualifier) else { return false }
      rest = rest[(place + 1)...]
    }
    return true
  }

  // MARK: Query

  /// Reads what is numeric in the query; other parameters are the web site's own.
  private mutating func readQuery(_ query: ArraySlice<UInt8>) {
    for pair in query.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }) {
      let name = pair.prefix { $0 != UInt8(ascii: "=") }
      guard !name.isEmpty, name.allSatisfy(isDigit) else { continue }
      guard let definition = Self.definition(name) else {
        problems.append(
          CodeProblem(
            at: name.startIndex + 1, kind: .unknown,
            message: "\(shown(name)) in the query is not an application identifier of the standard"))
        continue
      }
      take(definition, at: name.startIndex, value: pair[min(name.endIndex + 1, pair.endIndex)...])
      guard !definition.isAttribute else { continue }
      problems.append(
        CodeProblem(
          at: name.startIndex + 1, kind: .form,
          message: "\(definition.title), (\(definition.ai)), stands in the path of an address, found it in the query"))
      elements[elements.count - 1].isDoubtful = true
    }
  }

  private mutating func take(_ definition: ApplicationIdentifier, at: Int, value: ArraySlice<UInt8>) {
    let end = value.endIndex
    let decoded: [UInt8]
    switch Self.unescaped(value) {
    case .success(let bytes): decoded = Self.padded(bytes, as: definition)
    case .failure(let fault):
      problems.append(CodeProblem(at: value.startIndex + fault.offset + 1, kind: fault.kind, message: fault.message))
      append(definition, Array(value), at: at, end: end, isDoubtful: true)
      return
    }
    guard let fault = definition.fault(in: decoded[...], now: now) else {
      append(definition, decoded, at: at, end: end, isDoubtful: false)
      return
    }
    // Escapes and added zeros shift places: told exactly where there are none, else at the value.
    let shift = decoded.count == value.count ? min(fault.offset, value.count) : 0
    problems.append(CodeProblem(at: value.startIndex + shift + 1, kind: fault.kind, message: fault.message))
    append(definition, decoded, at: at, end: end, isDoubtful: true)
  }

  private mutating func append(
    _ definition: ApplicationIdentifier, _ value: [UInt8], at: Int, end: Int, isDoubtful: Bool
  ) {
    var element = CodeElement(
      .ai(definition.ai), value: String(decoding: value, as: UTF8.self), title: definition.title, at: at + 1,
      length: end - at)
    element.isDoubtful = isDoubtful
    if !isDoubtful { element.meaning = definition.meaning(of: value[...], now: now) }
    elements.append(element)
  }

  /// A GTIN may be written with 8, 12 or 13 digits in an address; its element has 14.
  private static func padded(_ value: [UInt8], as definition: ApplicationIdentifier) -> [UInt8] {
    guard definition.ai == "01", [8, 12, 13].contains(value.count), value.allSatisfy(isDigit) else { return value }
    return [UInt8](repeating: 0x30, count: 14 - value.count) + value
  }

  private static func unescaped(_ value: ArraySlice<UInt8>) -> Result<[UInt8], FieldFault> {
    var bytes: [UInt8] = []
    var rest = value
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, let high = hexValue(digits[digits.startIndex]),
        let low = hexValue(digits[digits.startIndex + 1])
      else {
        return .failure(
          FieldFault(
            .escape, at: rest.startIndex - 1 - value.startIndex,
            "an escape is % and two hexadecimal digits, found %\(shown(digits))"))
      }
      bytes.append(high << 4 | low)
      rest = rest.dropFirst(2)
    }
    return .success(bytes)
  }
}
