/// The text of `bytes`, if they are UTF-8 without control characters; else what is wrong and where.
///
/// HT, EOT and the separators FS, GS, RS, US stay: codes in the forms of GS1 and ISO/IEC 15434 contain them.
public func codeText(_ bytes: [UInt8]) -> Result<String, CodeTextFault> {
  var parser = Unicode.UTF8.ForwardParser()
  var rest = bytes.makeIterator()
  var place = 1
  var text = String.UnicodeScalarView()
  while true {
    switch parser.parseScalar(from: &rest) {
    case .valid(let units):
      let scalar = Unicode.UTF8.decode(units)
      if scalar.properties.generalCategory == .control, !allowedControls.contains(scalar.value) {
        let code = String(scalar.value, radix: 16, uppercase: true)
        return .failure(
          CodeTextFault(
            place, "the control character 0x\(code.count < 2 ? "0" : "")\(code) at byte \(place) of the code"))
      }
      text.append(scalar)
      place += units.count
    case .emptyInput: return .success(String(text))
    case .error: return .failure(CodeTextFault(place, "not valid UTF-8 at byte \(place) of the code"))
    }
  }
}

private let allowedControls: Set<UInt32> = [0x09, 0x04, 0x1C, 0x1D, 0x1E, 0x1F]

/// Why bytes are no text.
public struct CodeTextFault: Error, Hashable {
  /// The byte, counted from 1.
  public let at: Int
  public let message: String

  init(_ at: Int, _ message: String) {
    self.at = at
    self.message = message
  }
}
