internal import Settings

/// Bytes as settings write them: `\r`, `\x02`, printable ASCII as it is.
public func escaped(_ bytes: some Sequence<UInt8>) -> String {
  var text = ""
  for byte in bytes {
    switch byte {
    case 0x0D: text += "\\r"
    case 0x0A: text += "\\n"
    case 0x09: text += "\\t"
    case 0x5C: text += "\\\\"
    case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
    default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
  }
  return text
}

/// Reads 1 to 8 bytes written as ASCII with escapes; YAML's double quotes have resolved some of them already.
func bytes(_ node: SettingsNode, such example: String) -> [UInt8]? {
  if let text = node.text, let meant = controlBytes(named: text) {
    node.refuse(
      found: "\(node.quoted), which as it stands is \(text.utf8.count) letters", allowed: "the byte itself",
      nearest: escaped(meant))
    return nil
  }
  guard let text = node.text, !node.isEmpty, let bytes = unescaped(text), (1...8).contains(bytes.count) else {
    let found = node.text.map { "\"\(escaped($0.prefix(80).utf8))\"" }
    node.refuse(
      found: node.isEmpty ? nil : found,
      allowed:
        "1 to 8 bytes, such as \(example): ASCII, \\r, \\n, \\t, \\x02, \\\\; from 80 up in single quotes, '\\xFF'")
    return nil
  }
  return bytes
}

/// What manuals call control characters: `CR`, `<CR><LF>`, `0x0D`; nil for anything else.
private func controlBytes(named text: String) -> [UInt8]? {
  let names: [String: [UInt8]] = [
    "CR": [0x0D], "LF": [0x0A], "CRLF": [0x0D, 0x0A], "STX": [0x02], "ETX": [0x03], "ACK": [0x06], "NAK": [0x15],
    "TAB": [0x09], "ENTER": [0x0D], "EOT": [0x04],
  ]
  let plain = text.uppercased().filter { !"<>[]+ _".contains($0) }
  if let bytes = names[plain] { return bytes }
  guard plain.count == 4, plain.hasPrefix("0X"), let byte = UInt8(plain.dropFirst(2), radix: 16) else { return nil }
  return [byte]
}

/// The bytes of ASCII text with the escapes `\r \n \t \\ \x02`; nil for anything else.
func unescaped(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.popFirst() {
    guard byte < 0x80 else { return nil }
    guard byte == 0x5C else {
      bytes.append(byte)
      continue
    }
    switch rest.popFirst() {
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "\\"): bytes.append(0x5C)
    case UInt8(ascii: "x"):
      let digits = rest.prefix(2)
      guard digits.count == 2, !digits.contains(UInt8(ascii: "+")),
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    default: return nil
    }
  }
  return bytes
}
