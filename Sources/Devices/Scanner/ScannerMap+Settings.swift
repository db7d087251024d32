internal import Settings

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

extension ScannerMap {
  /// Reads how long the same bytes again are the scanner's own repetition; nil: they never are.
  static func repetition(_ fields: inout Fields, _ answers: Answers) -> Duration? {
    guard let node = fields.optional("repeat-within") else { return answers == Answers() ? nil : usualRepetition }
    guard let time = node.text.flatMap({ parseDuration($0) }), time <= .seconds(60) else {
      node.refuse(allowed: "a time up to 1m, such as 2s; 0s where the scanner repeats nothing")
      return nil
    }
    return time > .zero ? time : nil
  }

  /// Reads the scanner's own word for a code that it could not read.
  static func noRead(_ fields: inout Fields) -> [UInt8]? {
    guard let node = fields.optional("no-read") else { return nil }
    guard let text = node.text, !node.isEmpty, let word = unescaped(text), (1...64).contains(word.count) else {
      node.refuse(allowed: "1 to 64 bytes as the scanner sends them, such as NOREAD")
      return nil
    }
    return word
  }
}
