internal import Settings

extension SerialLine {
  private static let flowControls = ["rtscts", "xonxoff", "dtrdsr", "rts/cts", "xon/xoff", "dtr/dsr"]

  /// Reads `9600 8N1`; what is wrong is recorded, and the default stands in.
  init(_ node: SettingsNode) {
    self.init()
    guard let text = node.text, !node.isEmpty else {
      node.refuse(allowed: Self.form)
      return
    }
    let words = text.split(separator: " ").map(String.init)
    if words.count > 2, let flow = words.dropFirst(2).first(where: { Self.flowControls.contains($0.lowercased()) }) {
      node.refuse(found: "\"\(flow)\"", allowed: "\(Self.form): flow control is not supported yet")
      return
    }
    guard words.count == 2 else {
      node.refuse(allowed: Self.form)
      return
    }
    guard let baud = Int(words[0]), Self.rates.contains(baud) else {
      node.refuse(
        found: "\"\(words[0])\" baud", allowed: Self.rates.map(String.init).joined(separator: ", "),
        nearest: nearestName(to: words[0], among: Self.rates.map(String.init)))
      return
    }
    guard let (dataBits, parity, stopBits) = Self.frame(words[1], node) else { return }
    self.init(baud: baud, dataBits: dataBits, parity: parity, stopBits: stopBits)
  }

  private static let form = "speed, data bits, parity and stop bits, such as 9600 8N1"

  private static func frame(_ word: String, _ node: SettingsNode) -> (Int, Parity, Int)? {
    let letters = word.map(String.init)
    guard letters.count == 3 else {
      node.refuse(found: "\"\(word)\"", allowed: form)
      return nil
    }
    guard let dataBits = Int(letters[0]), (7...8).contains(dataBits) else {
      node.refuse(found: "\"\(letters[0])\" data bits in \"\(word)\"", allowed: "7 or 8")
      return nil
    }
    guard let parity = Parity(rawValue: letters[1]) else {
      let isLater = ["M", "S"].contains(letters[1])
      node.refuse(
        found: "parity \"\(letters[1])\" in \"\(word)\"",
        allowed: "N (none), E (even) or O (odd)" + (isLater ? ": mark and space parity are not supported yet" : ""),
        nearest: Parity(rawValue: letters[1].uppercased())?.rawValue)
      return nil
    }
    guard let stopBits = Int(letters[2]), (1...2).contains(stopBits) else {
      node.refuse(found: "\"\(letters[2])\" stop bits in \"\(word)\"", allowed: "1 or 2")
      return nil
    }
    return (dataBits, parity, stopBits)
  }
}

extension FrameRule {
  init?(_ node: SettingsNode) {
    var fields = node.fields(of: "what ends a frame, such as { end: \"\\r\" }")
    defer { fields.close() }
    let isOther = fields.has("length") || fields.has("format")
    fields.unsupported("length", "a frame of fixed length")
    fields.unsupported("format", "a frame format such as rdm6300")
    let start = fields.optional("start").map { bytes($0, such: "\"\\x02\"") }
    let maxLength = fields.integer("max-length", in: 2...FrameRule.largestFrame)
    let idle = fields.optional("idle").flatMap { Self.idle($0) }
    let end =
      isOther
      ? fields.optional("end")
      : fields.required("end", "the bytes that end a frame, such as \"\\r\"; an idle time alone is not supported yet")
    guard let end = end.flatMap({ bytes($0, such: "\"\\r\"") }) else { return nil }
    if let start, let start, start.count + end.count >= maxLength ?? FrameRule.largestFrame {
      node.refuse(
        found: "a max-length of \(maxLength ?? 0) for \(start.count + end.count) bytes of start and end",
        allowed: "a max-length that leaves room for a code")
    }
    self.init(
      start: (start ?? []) ?? [], end: end, maxLength: maxLength ?? FrameRule.largestFrame,
      idle: idle ?? .milliseconds(500))
  }

  private static func idle(_ node: SettingsNode) -> Duration? {
    guard let idle = node.text.flatMap({ parseDuration($0) }), idle >= .milliseconds(10), idle <= .seconds(60) else {
      node.refuse(allowed: "a time from 10ms to 1m")
      return nil
    }
    return idle
  }
}

extension ScannerMap.Answers {
  init(_ node: SettingsNode) {
    var fields = node.fields(of: "what is sent after a scan: accepted, refused")
    defer { fields.close() }
    let accepted = fields.optional("accepted").map { bytes($0, such: "\"\\x06\"") ?? [] }
    let refused = fields.optional("refused").map { bytes($0, such: "\"\\x15\"") ?? [] }
    self.init(accepted: accepted ?? [], refused: refused ?? [])
    if accepted == nil, refused == nil, node.isMapping || node.isEmpty {
      node.refuse(
        found: "neither accepted nor refused", allowed: "accepted: \"\\x06\", refused: \"\\x15\", or one of them")
    } else if let accepted, let refused, accepted == refused, !accepted.isEmpty {
      node.refuse(
        found: "\"\(escaped(accepted))\" for both accepted and refused",
        allowed: "different bytes, so that the operator can tell them apart")
    }
  }
}

/// Reads 1 to 8 bytes written as ASCII with escapes; YAML's double quotes have resolved some of them already.
private func bytes(_ node: SettingsNode, such example: String) -> [UInt8]? {
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
