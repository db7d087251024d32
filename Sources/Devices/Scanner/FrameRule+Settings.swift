internal import Settings

extension FrameRule {
  init?(_ node: SettingsNode) {
    var fields = node.fields(of: "what ends a frame, such as { end: \"\\r\" }")
    defer { fields.close() }
    if fields.has("format") {
      self.init(format: &fields)
      return
    }
    let start = fields.optional("start").map { bytes($0, such: "\"\\x02\"") ?? [] } ?? []
    let length = fields.integer("length", in: 1...FrameRule.largestFrame)
    let maxLength = fields.integer("max-length", in: 2...FrameRule.largestFrame)
    let check = fields.choice("check", of: [Check.lrc.rawValue]).flatMap { Check(rawValue: $0) } ?? .none
    let idleNode = fields.optional("idle")
    let idle = idleNode.flatMap { Self.time($0) }
    let form = "the bytes that end a frame, such as \"\\r\"; or idle, where a pause does"
    let endNode = fields.has("length") ? fields.optional("end") : fields.required("end", form)
    if endNode == nil, !fields.has("length") { return nil }
    guard let ends = endNode.map({ Self.ends($0) }) ?? [] else { return nil }
    self.init(
      start: start, ends: ends, length: length, check: check, maxLength: maxLength ?? FrameRule.largestFrame,
      idle: idle ?? (ends.isEmpty ? .milliseconds(50) : .milliseconds(500)))
    if check == .lrc, ends.isEmpty {
      fields.optional("check")?.refuse(allowed: "lrc with an \"end\" before it, such as \"\\x03\"")
    }
    if length != nil, maxLength != nil {
      fields.optional("max-length")?.refuse(found: "max-length beside length", allowed: "one of them")
    }
    let marks = start.count + (ends.map(\.count).max() ?? 0) + (check == .lrc ? 1 : 0)
    if marks >= length ?? maxLength ?? FrameRule.largestFrame {
      node.refuse(
        found:
          "a \(length == nil ? "max-length" : "length") of \(length ?? maxLength ?? 0) for \(marks) bytes of start "
          + "and end",
        allowed: "a \(length == nil ? "max-length" : "length") that leaves room for a code")
    }
  }

  /// Reads a frame that a device's maker has given a form.
  private init?(format fields: inout Fields) {
    let format = fields.choice("format", of: ["rdm6300"])
    let idle = fields.optional("idle").flatMap { Self.time($0) }
    let goneAfter = fields.optional("gone-after").flatMap { Self.time($0) }
    for name in ["start", "end", "length", "max-length", "check"] where fields.has(name) {
      fields.optional(name)?.refuse(found: "\"\(name)\" beside format", allowed: "leave it out: the format says it")
    }
    guard format != nil else { return nil }
    self = .rdm6300(idle: idle ?? .milliseconds(100), goneAfter: goneAfter ?? .seconds(1))
  }

  /// The ends that a frame may have; empty for `idle`, nil for what cannot be read.
  private static func ends(_ node: SettingsNode) -> [[UInt8]]? {
    if node.isPlain, node.text == "idle" { return [] }
    guard node.isList else { return bytes(node, such: "\"\\r\"").map { [$0] } }
    let ends = node.items(of: "ends such as [\"\\r\", \"\\n\"]").compactMap { bytes($0, such: "\"\\r\"") }
    guard !ends.isEmpty else {
      node.refuse(allowed: "at least one end, such as [\"\\r\", \"\\n\"]")
      return nil
    }
    for end in ends {
      // The shorter would always come first, and leave the rest of the longer to the next frame.
      guard let longer = ends.first(where: { $0.count > end.count && $0.starts(with: end) }) else { continue }
      node.refuse(
        found: "\"\(escaped(end))\" and \"\(escaped(longer))\", of which one begins the other",
        allowed: "[\"\\r\", \"\\n\"] for CR, LF, or both")
      return nil
    }
    return ends
  }

  private static func time(_ node: SettingsNode) -> Duration? {
    guard let time = node.text.flatMap({ parseDuration($0) }), time >= .milliseconds(10), time <= .seconds(60) else {
      node.refuse(allowed: "a time from 10ms to 1m")
      return nil
    }
    return time
  }
}
