internal import Settings

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
