internal import Events

/// Tells what a scanned code says, from its bytes alone: AIM identifiers, GS1 element strings, GS1 Digital Links,
/// messages of ISO/IEC 15434, EPCs of 96 bits.
///
/// It never guesses: what can be read in two ways is told as ambiguous, and what is not quite as its standard wants it
/// is told with place and reason.
public struct CodeDecoder: Sendable {
  /// The year that the century of two-digit years is taken by.
  public var year: Int
  /// An AIM identifier in front is one, and no part of the code.
  public var hasAIM: Bool
  /// The scanner is known to send the separators (FNC1) of GS1 as GS: a field that reaches to the end is whole.
  public var sendsSeparators: Bool
  /// The application identifiers for internal use, 90 to 99, that codes here bear.
  public var internals: Set<String>

  public init(
    year: Int = CodeDecoder.presentYear, hasAIM: Bool = true, sendsSeparators: Bool = false,
    internals: Set<String> = []
  ) {
    self.year = year
    self.hasAIM = hasAIM
    self.sendsSeparators = sendsSeparators
    self.internals = internals
  }

  /// The year by this PC's clock, UTC.
  public static var presentYear: Int { Int(Moment.now().time.description.prefix(4)) ?? 2026 }

  /// What `raw`, a code without the delimiters of its frame, says.
  public func decode(_ raw: [UInt8]) -> DecodedCode {
    let aim = hasAIM ? AIMIdentifier(raw) : nil
    let bytes = raw[(aim == nil ? 0 : 3)...]
    var code = read(bytes, as: aim?.content ?? .open)
    code.symbology = aim?.text
    code.sort()
    return code
  }

  private func read(_ bytes: ArraySlice<UInt8>, as content: AIMIdentifier.Content) -> DecodedCode {
    switch content {
    case .elementStrings:
      // A symbology of GS1 may carry a message of its own envelope all the same: the content is certain.
      return announced(.gs1, strings(bytes))
    case .gtin(let digits) where bytes.count == digits && bytes.allSatisfy(isDigit):
      return announced(.gs1, number(bytes))
    default: break
    }
    if let message = MessageEnvelope(bytes, now: year) {
      return announced(.iso15434, (message.elements, message.problems, message.notes))
    }
    if bytes.first == ElementStrings.separator { return announced(.gs1, strings(bytes)) }
    if let link = DigitalLink(bytes, now: year) { return announced(.digitalLink, (link.elements, link.problems, [])) }
    return guessed(bytes)
  }

  private typealias Reading = (elements: [CodeElement], problems: [CodeProblem], notes: [CodeProblem])

  private func announced(_ format: DecodedCode.Format, _ reading: Reading) -> DecodedCode {
    var code = DecodedCode(format: format)
    code.isAnnounced = true
    (code.elements, code.problems, code.notes) = reading
    return code
  }

  private func strings(_ bytes: ArraySlice<UInt8>) -> Reading {
    let strings = ElementStrings(bytes, now: year, sendsSeparators: sendsSeparators, internals: internals)
    return (strings.elements, strings.problems, strings.notes)
  }

  /// The number of an EAN, UPC or ITF-14 symbol as the GTIN that it is.
  private func number(_ bytes: ArraySlice<UInt8>) -> Reading {
    let value = [UInt8](repeating: 0x30, count: 14 - bytes.count) + bytes
    var element = CodeElement(
      .ai("01"), value: shown(value), title: "GTIN", at: bytes.startIndex + 1, length: bytes.count)
    guard let definition = CodeTables.applicationIdentifiers["01"] else { return ([], [], []) }
    guard let fault = definition.fault(in: value[...], now: year) else {
      element.meaning = definition.meaning(of: value[...], now: year)
      return ([element], [], [])
    }
    element.isDoubtful = true
    return ([element], [CodeProblem(at: bytes.endIndex, kind: fault.kind, message: fault.message)], [])
  }

  /// A code that says nothing about itself: what it reads as without a problem, or nearly.
  private func guessed(_ bytes: ArraySlice<UInt8>) -> DecodedCode {
    let tag = TagCode(bytes, now: year)
    let strings = ElementStrings(bytes, now: year, sendsSeparators: sendsSeparators, internals: internals)
    if let tag, tag.problems.isEmpty || !strings.beginsSound {
      var code = DecodedCode(format: .epc)
      code.elements = tag.elements
      code.problems = tag.problems
      guard tag.problems.isEmpty, strings.problems.isEmpty else { return code }
      code.add(
        .ambiguous, at: bytes.startIndex + 1,
        "it is an EPC, \(tag.elements.map(\.description).joined()), or the element strings "
          + strings.elements.map(\.description).joined())
      for index in code.elements.indices { code.elements[index].isDoubtful = true }
      return code
    }
    guard strings.beginsSound else {
      var code = DecodedCode()
      if bytes.first == UInt8(ascii: "("), bytes.dropFirst().first.map(isDigit) == true {
        code.notes = strings.problems
      }
      return code
    }
    var code = DecodedCode(format: .gs1)
    (code.elements, code.problems, code.notes) = (strings.elements, strings.problems, strings.notes)
    return code
  }
}
