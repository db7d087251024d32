import Devices
import Settings
import Web

/// What shows on the line whether readings are kept.
struct AlarmSettings: Sendable, Hashable {
  /// The device and the address are in its `DeviceSettings.lamp`.
  var coil: Coil?
  /// The path of a program and what it is told before the word; empty: none is run.
  var command: [String] = []

  struct Coil: Sendable, Hashable {
    var device: String
    /// When it is lit.
    var when = When.notCapturing
  }

  enum When: String, Sendable, Hashable, CaseIterable {
    case notCapturing = "not-capturing"
    /// The central is away, or nothing is captured.
    case centralAway = "central-away"

    func isLit(by word: Capture.Word) -> Bool {
      switch self {
      case .notCapturing: word == .notCapturing
      case .centralAway: word != .capturing
      }
    }
  }

  /// Reads `alarm`; the coil is told to its device.
  init(_ node: SettingsNode, devices: inout [DeviceSettings]) {
    var fields = node.fields(of: "{ coil: { device: press-1, at: 00017 }, command: [/usr/local/bin/lamp] }")
    defer { fields.close() }
    if let coil = fields.optional("coil") { self.coil = Self.coil(coil, &devices) }
    if let command = fields.optional("command") { self.command = Self.command(command) }
    if node.isMapping, !fields.has("coil"), !fields.has("command") {
      node.refuse(found: "neither coil nor command", allowed: "at least one of them, or no alarm")
    }
  }

  private static func coil(_ node: SettingsNode, _ devices: inout [DeviceSettings]) -> Coil? {
    var fields = node.fields(of: "{ device: press-1, at: 00017, when: not-capturing }")
    defer { fields.close() }
    let device = fields.requiredText("device", "the name of a Modbus device above")
    let address = fields.required("at", "the coil's address")
    let when = fields.choice("when", of: When.allCases.map(\.rawValue)).flatMap { When(rawValue: $0) }
    guard let device else { return nil }
    let able = devices.filter { if case .modbus = $0.link { true } else { false } }.map(\.name)
    guard let index = devices.firstIndex(where: { $0.name == device && able.contains($0.name) }) else {
      let isScanner = devices.contains { $0.name == device }
      fields.optional("device")?.refuse(
        found: isScanner ? "\"\(device)\", a scanner" : nil,
        allowed: able.isEmpty
          ? "a Modbus device, of which there is none" : "a Modbus device: \(able.joined(separator: ", "))",
        nearest: isScanner ? nil : nearestName(to: device, among: able))
      return nil
    }
    if let address { devices[index].takeLamp(address) }
    return Coil(device: device, when: when ?? .notCapturing)
  }

  private static func command(_ node: SettingsNode) -> [String] {
    let words = node.items(of: "the path of a program, and what it is told: [/usr/local/bin/lamp, --line, \"3\"]")
    for word in words where word.text == nil || word.isEmpty { word.refuse(allowed: "a text") }
    if node.isList, words.isEmpty { node.refuse(found: "an empty list", allowed: "the path of a program") }
    if let first = words.first, let path = first.text, !first.isEmpty, !path.hasPrefix("/") {
      first.refuse(allowed: "a path that begins with /: no shell looks for the program")
    }
    return words.compactMap(\.text)
  }
}
