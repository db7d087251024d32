@testable import Devices

/// What scanners send: codes in the forms of GS1, ISO/IEC 15434 and EPC, right and wrong.
extension FuzzTarget {
  /// GS1 element strings behind an AIM identifier.
  ///
  /// What is sound can be written again from its elements, byte for byte but for separators.
  static let gs1Elements = FuzzTarget(name: "gs1-elements", longest: 200) { input in
    let code = decode("]d2", input)
    claim(code.format == .gs1 && code.isAnnounced, "]d2 is GS1")
    guard code.problems.isEmpty else { return }
    let written = code.elements.flatMap { Array(($0.identifier.text + $0.value).utf8) }
    claim(written == input.filter { $0 != 0x1D }, "\(written) is not \(input)")
  }

  /// Messages of ISO/IEC 15434.
  static let iso15434 = FuzzTarget(name: "iso-15434", longest: 300) { input in
    let code = decode("[)>\u{1E}", input)
    claim(code.format == .iso15434, "[)> is a message")
    claim(input.last == 0x1E || input.suffix(2) == [0x1E, 0x04] || !code.problems.isEmpty, "a cut message is told")
  }

  /// GS1 Digital Links.
  static let digitalLink = FuzzTarget(name: "digital-link", longest: 300) { input in
    let code = decode("https://", input)
    guard code.format == .digitalLink, code.problems.isEmpty else { return }
    claim(code.elements.first?.at ?? 0 > 8, "a link has a key")
  }

  /// Codes that say nothing about themselves: EPCs, element strings, plain texts.
  static let plainCode = FuzzTarget(name: "plain-code", longest: 100) { input in
    let code = decode("", input)
    guard code.format == .epc, code.problems.isEmpty else { return }
    let length = input.count - (code.symbology == nil ? 0 : 3)
    claim(length == 24 || length == 12, "an EPC of \(length) bytes")
  }

  /// Decodes, and checks what holds of any code.
  private static func decode(_ head: String, _ input: [UInt8]) -> DecodedCode {
    let raw = Array(head.utf8) + input
    let code = CodeDecoder(year: 2026).decode(raw)
    for problem in code.problems + code.notes {
      claim((1...(raw.count + 1)).contains(problem.at), "\(problem) is not in the code")
    }
    for element in code.elements {
      claim(element.at >= 1 && element.at - 1 + element.length <= raw.count, "\(element) is not in the code")
    }
    claim(!code.problems.isEmpty || code.soundElements.count == code.elements.count, "a doubt has a reason")
    return code
  }
}
