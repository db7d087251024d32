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
