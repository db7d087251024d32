import Settings

extension CentralSettings {
  /// Reads the steps of one product's route: `[ST10, ST20, { station: ST30, needs: [result] }]`.
  static func route(_ node: SettingsNode) -> [RouteSettings] {
    let items = node.items(of: "[ST10, ST20, { station: ST30, needs: [result] }]")
    if items.isEmpty, node.isList { node.refuse(found: "an empty list", allowed: "at least one station") }
    var seen: Set<String> = []
    return items.compactMap { item in
      guard let step = step(item) else { return nil }
      for name in step.stations where !seen.insert(name).inserted {
        item.refuse(
          found: "station \"\(name)\" twice",
          allowed: "each station once: a unit that comes again makes another attempt")
      }
      return step
    }
  }

  private static func step(_ node: SettingsNode) -> RouteSettings? {
    guard node.isMapping else {
      guard let name = node.text, !node.isEmpty, isName(name) else {
        node.refuse(allowed: "a station's name, or { station: ST30, … } or { any: [ST30, ST31], … }")
        return nil
      }
      return RouteSettings(stations: [name])
    }
    var fields = node.fields(of: "{ station: ST30, … } or { any: [ST30, ST31], … }")
    defer { fields.close() }
    let any = fields.optional("any").map { names($0, of: "[ST30, ST31]", what: "a station's name") }
    let station = fields.text("station", "a station's name")
    var step = RouteSettings(stations: any ?? station.map { [$0] } ?? [])
    if let isOptional = fields.flag("optional") { step.isOptional = isOptional }
    if let needs = fields.optional("needs") {
      step.needs = names(needs, of: "[peak-force, result]", what: "a tag's name, or result")
    }
    step.within = fields.duration("within", atLeast: .seconds(1))
    switch (fields.has("any"), fields.has("station")) {
    case (true, true): node.refuse(found: "both \"station\" and \"any\"", allowed: "one of them")
    case (false, false): node.refuse(found: "neither \"station\" nor \"any\"", allowed: "one of them")
    case (true, false):
      if let any, any.count == 1 {
        node.refuse(found: "\"any\" of one station", allowed: "two or more, or \"station\"")
      }
    case (false, true): break
    }
    return step.stations.isEmpty ? nil : step
  }

  private static func names(_ node: SettingsNode, of example: String, what: String) -> [String] {
    node.items(of: example).compactMap { item in
      guard let name = item.text, !item.isEmpty, isName(name) else {
        item.refuse(allowed: what)
        return nil
      }
      return name
    }
  }
}
