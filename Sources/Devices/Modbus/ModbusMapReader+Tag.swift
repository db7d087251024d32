import Events
import Settings

extension ModbusMapReader {
  /// The parts of a context that a tag can speak for.
  static let roles = ["result", "operator", "lot", "unit", "product", "material", "component", "order", "carrier"]

  func tag(named name: String, _ node: SettingsNode, inCycle: Bool) -> ModbusTag? {
    checkName(name, node)
    var fields = node.fields(of: "at, type and more, such as { at: 40001, type: int16 }")
    defer { fields.close() }
    let type = self.type(&fields, of: ValueType.allCases, nil)
    let text = text(&fields, type: type)
    let address = self.address(&fields, type: type, length: text?.length ?? 0)
    let order = type.flatMap { self.order(&fields, type: $0, table: address?.table) }
    if type == nil { _ = fields.optional("word-order") }
    let names = names(&fields, type: type, bits: address?.bits)
    let isNumber = type?.isNumber ?? true && !fields.has("values")
    let scaling = scaling(&fields, isNumber: isNumber)
    let unit = fields.text("unit", "a unit in UCUM, such as kN or Cel")
    let deadband = deadband(&fields, isNumber: isNumber, inCycle: inCycle)
    let limits = limits(&fields, isNumber: isNumber)
    let role = role(&fields, type: type, names: names, inCycle: inCycle)
    fields.unsupported("write")
    guard let type, let address, type != .string || text != nil else { return nil }
    return ModbusTag(
      name: name, address: address, type: type, order: order, scaling: scaling, unit: unit, deadband: deadband,
      limits: limits, role: role, names: names, length: text?.length ?? 0, encoding: text?.encoding ?? .ascii)
  }

  func type(_ fields: inout Fields, of choices: [ValueType], _ what: String?) -> ValueType? {
    let names = choices.map(\.rawValue)
    guard let node = fields.required("type", what ?? names.joined(separator: ", ")) else { return nil }
    if let what, let text = node.text, let type = ValueType(rawValue: text), !choices.contains(type) {
      node.refuse(allowed: what)
      return nil
    }
    // Other programs write these in one word.
    if let text = node.text, what == nil, text.hasPrefix("string"), text != "string" {
      node.refuse(allowed: "type: string with its length beside it, such as { type: string, length: 10 }")
      return nil
    }
    if let text = node.text, what == nil, text.hasPrefix("bits"), text != "bits" {
      node.refuse(allowed: "type: bits with the bits in its address, such as { at: 40020.4..7, type: bits }")
      return nil
    }
    if let text = node.text, TypeWords.isByte(text) {
      node.refuse(
        allowed: what
          ?? "uint16 for a register of its own, or half of one: { at: 40001.0..7, type: bits } is its lower byte")
      return nil
    }
    if let text = node.text, !names.contains(text), let meant = TypeWords.meaning(of: text), choices.contains(meant) {
      node.refuse(allowed: names.joined(separator: ", "), nearest: meant.rawValue)
      return nil
    }
    return node.choice(of: names).flatMap { ValueType(rawValue: $0) }
  }

  /// Reads `length` and `encoding` of a string; nil for any other type, and where the length is wrong.
  private func text(_ fields: inout Fields, type: ValueType?) -> (length: Int, encoding: TextEncoding)? {
    guard type == .string else {
      for name in ["length", "encoding"] where fields.has(name) {
        guard let node = fields.optional(name), let type else { continue }
        node.refuse(found: "\"\(name)\" of type \(type.rawValue)", allowed: "leave it out: it is for strings only")
      }
      _ = (fields.optional("length"), fields.optional("encoding"))
      return nil
    }
    let choices = TextEncoding.allCases.map(\.rawValue)
    let encoding = fields.choice("encoding", of: choices).flatMap { TextEncoding(rawValue: $0) } ?? .ascii
    if !encoding.isAvailable {
      fields.optional("encoding")?.refuse(
        allowed: "ascii or utf-8: this system's C library has no table of gbk (libc-gconv-modules-extra brings it)")
    }
    guard fields.required("length", "its characters of one byte, two a register") != nil,
      let length = fields.integer("length", in: 1...(limits.maxRegisters * 2))
    else { return nil }
    return (length, encoding)
  }

  /// Reads `at`, which must be a place that the type fits.
  func address(_ fields: inout Fields, type: ValueType?, length: Int = 0) -> ModbusAddress? {
    guard let node = fields.required("at", notation.allowed), let address = place(node) else { return nil }
    guard let type else { return address }
    let text = address.text
    switch type {
    case .bool:
      guard address.table.isBits || address.bit != nil else {
        node.refuse(
          allowed: address.bits == nil
            ? "for a bool one bit: \(text).0 to \(text).15, a coil or a discrete input"
            : "for a bool one bit; for several type: bits")
        return nil
      }
    case .bits:
      guard address.bits != nil else {
        node.refuse(
          allowed: address.table.isBits
            ? "some bits of a register; type: bool for a \(address.table.word)"
            : "the bits of the register: \(text).0..3 for the lowest four")
        return nil
      }
    default:
      guard !address.table.isBits, address.bits == nil else {
        let place = address.table.isBits && address.text.first?.isNumber == true ? ", a \(address.table.word)" : ""
        node.refuse(
          found: "\(node.quoted)\(place)", allowed: "whole registers for \(type.rawValue), not single bits")
        return nil
      }
    }
    return fits(ModbusTag(name: "", address: address, type: type, length: length), node) ? address : nil
  }

  /// Reads the text of an address; one that may be meant in more than one way is refused with all of them.
  func place(_ node: SettingsNode, allowed: String? = nil) -> ModbusAddress? {
    let allowed = (allowed.map { $0 + ": " } ?? "") + notation.allowed
    guard let text = node.text else {
      node.refuse(allowed: allowed)
      return nil
    }
    do throws(AddressProblem) {
      return try ModbusAddress.read(text, as: notation)
    } catch {
      node.refuse(found: error.found, allowed: allowed, nearest: error.nearest)
      return nil
    }
  }

  /// Whether a value lies within the 65536 addresses of its table, within one request, and within what may be read.
  func fits(_ tag: ModbusTag, _ node: SettingsNode) -> Bool {
    if tag.range.upperBound > 65536 {
      node.refuse(allowed: "a place with room for \(tag.width) registers: a table ends with its 65536th")
      return false
    }
    if tag.width > limits.most(of: tag.address.table) {
      node.refuse(
        found: "type \(tag.type.rawValue), which takes \(tag.width) registers",
        allowed: "values of at most \(limits.maxRegisters) registers, as max-registers says")
      return false
    }
    if !limits.isReadable(tag.range, of: tag.address.table) {
      let ranges = limits.readable.filter { $0.table == tag.address.table }.map(\.description)
      let place = AddressRange(table: tag.address.table, range: tag.range)
      node.refuse(
        found: "\(node.quoted) (\(place)), which \"readable\" does not have in one range",
        allowed: ranges.isEmpty ? "no \(tag.address.table.rawValue) at all" : ranges.joined(separator: ", "))
      return false
    }
    return true
  }

  /// Reads `word-order`; the map's own order holds for values of two and four registers, one register is as Modbus has
  /// it.
  func order(_ fields: inout Fields, type: ValueType, table: ModbusAddress.Table?) -> WordOrder? {
    guard let node = fields.optional("word-order") else { return order.fitting(width: type.width) }
    if type == .bool || type == .bits {
      node.refuse(
        found: "\"word-order\" of type \(type.rawValue)",
        allowed: "leave it out: bit 0 is the least significant of the register")
      return nil
    }
    let choices = WordOrder.choices(width: max(1, type.width)).map(\.rawValue)
    return node.choice(of: choices).flatMap { WordOrder(rawValue: $0) }
  }

  private func scaling(_ fields: inout Fields, isNumber: Bool) -> Scaling? {
    let scale = decimal(&fields, "scale", isNumber: isNumber)
    if scale?.mantissa == 0 { fields.optional("scale")?.refuse(allowed: "a number other than 0") }
    let offset = decimal(&fields, "offset", isNumber: isNumber)
    guard scale != nil || offset != nil else { return nil }
    return Scaling(scale: scale ?? .one, offset: offset ?? .zero)
  }

  private func decimal(_ fields: inout Fields, _ name: String, isNumber: Bool) -> DecimalNumber? {
    guard let node = fields.optional(name) else { return nil }
    guard isNumber else {
      node.refuse(
        found: "\"\(name)\"", allowed: "leave it out: it is for numbers only, not for a bool, a string or named values")
      return nil
    }
    guard let number = node.text.flatMap({ DecimalNumber($0) }), number.digitCount <= 15, abs(number.exponent) <= 60
    else {
      node.refuse(allowed: "a decimal number of at most 15 digits, such as 0.1")
      return nil
    }
    return number
  }

  private func deadband(_ fields: inout Fields, isNumber: Bool, inCycle: Bool) -> Double {
    guard let node = fields.optional("deadband") else { return 0 }
    if inCycle {
      node.refuse(
        found: "\"deadband\" in a group with a trigger", allowed: "leave it out: each cycle is an event with all tags")
    } else if !isNumber {
      node.refuse(
        found: "\"deadband\"", allowed: "leave it out: it is for numbers only, not for a bool, a string or named values"
      )
    } else if let value = node.number() {
      if value >= 0 { return value }
      node.refuse(allowed: "a number from 0 up")
    }
    return 0
  }

  private func limits(_ fields: inout Fields, isNumber: Bool) -> ClosedRange<Double>? {
    guard let node = fields.optional("limits") else { return nil }
    guard isNumber else {
      node.refuse(
        found: "\"limits\"", allowed: "leave it out: it is for numbers only, not for a bool, a string or named values")
      return nil
    }
    let allowed = "two numbers, the lower first, such as [80, 120]"
    guard node.isList else {
      node.refuse(allowed: allowed)
      return nil
    }
    let items = node.items(of: allowed)
    let numbers = items.compactMap { $0.number() }
    guard numbers.count == items.count else { return nil }
    guard numbers.count == 2, numbers[0] <= numbers[1] else {
      node.refuse(found: "[\(items.compactMap(\.text).joined(separator: ", "))]", allowed: allowed)
      return nil
    }
    return numbers[0]...numbers[1]
  }

  private func names(_ fields: inout Fields, type: ValueType?, bits: ClosedRange<Int>?) -> [Int64: String]? {
    guard let node = fields.optional("values") else { return nil }
    if let type, type != .bool, type.range == nil {
      node.refuse(
        found: "\"values\" of type \(type.rawValue)",
        allowed: "leave it out: only whole numbers and bits have named values")
      return nil
    }
    guard node.isMapping else {
      node.refuse(allowed: "whole numbers with their names, such as { 1: pass, 2: fail }")
      return nil
    }
    var names: [Int64: String] = [:]
    for entry in node.entries(of: "whole numbers with their names, such as { 1: pass, 2: fail }") {
      let range = Self.numbers(of: type, bits: bits)
      guard let number = Int64(entry.name), range.contains(number) else {
        entry.node.refuse(
          found: "\"\(entry.name)\" as a number",
          allowed: "whole numbers from \(range.lowerBound) to \(range.upperBound)"
            + (entry.node.text.flatMap { Int64($0) } == nil ? "" : ", the number before its name"))
        continue
      }
      guard let name = entry.node.text, !entry.node.isEmpty, !name.isEmpty else {
        entry.node.refuse(allowed: "the name of \(number)")
        continue
      }
      if let other = names.first(where: { $0.value == name })?.key {
        entry.node.refuse(found: "\"\(name)\" for \(number) and for \(other)", allowed: "each name once")
      }
      names[number] = name
    }
    if names.isEmpty, node.entries(of: "").isEmpty {
      node.refuse(found: "no value", allowed: "at least one value with its name")
    }
    return names
  }

  /// The raw numbers that may have a name.
  private static func numbers(of type: ValueType?, bits: ClosedRange<Int>?) -> ClosedRange<Int64> {
    if type == .bool { return 0...1 }
    if type == .bits, let bits { return 0...Int64(1 << bits.count - 1) }
    guard let range = type?.range else { return Int64.min...Int64.max }
    return Int64(clamping: range.lowerBound)...Int64(clamping: range.upperBound)
  }
}
