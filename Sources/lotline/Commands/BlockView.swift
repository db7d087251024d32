import Devices
import Events
import Foundation

/// What was read in one go.
struct Block: Sendable {
  let address: ModbusAddress
  let notation: ModbusAddress.Notation
  let data: Data

  enum Data: Sendable {
    case words([UInt16])
    case bits([Bool])

    /// What an answer holds: `count` bits or registers.
    init(_ bytes: [UInt8], of table: ModbusAddress.Table, count: Int) {
      self =
        table.isBits
        ? .bits((0..<count).map { bytes[$0 / 8] >> UInt8($0 % 8) & 1 == 1 })
        : .words(stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) })
    }
  }

  func place(_ distance: Int) -> String { address.further(by: distance, notation: notation).text }
}

/// A block as `lotline decode` shows it.
struct BlockView {
  let block: Block
  let interpretations: [Interpretation]
  /// Those that show what is expected, the plain ones first.
  let matches: [Match]

  /// A way to understand the block that gives the expected number.
  struct Match {
    let interpretation: Interpretation
    let scale: DecimalNumber
  }

  /// What PLC programmers scale whole numbers with.
  private static let scales = ["0.1", "0.01", "0.001", "10"].compactMap { DecimalNumber($0) }

  init(block: Block, expectation: Expectation?) {
    self.block = block
    if case .words(let words) = block.data {
      interpretations = Interpretation.all(of: words)
    } else {
      interpretations = []
    }
    guard let expectation else {
      matches = []
      return
    }
    let found = interpretations
    matches = ([.one] + Self.scales).flatMap { scale in
      found.filter { found in
        guard found.shows(expectation.number, within: expectation.tolerance, scale: scale) else { return false }
        // A float is scaled by nobody, and a whole number that is 0 shows any small one.
        guard scale != .one else { return true }
        if case .int(let raw) = found.value { return raw != 0 }
        return false
      }.map { Match(interpretation: $0, scale: scale) }
    }
  }

  // MARK: For people

  /// That nothing matches, and what came nearest.
  func nearest(to expectation: Expectation) -> String {
    let asked = "nothing here shows \(expectation.number.text) ±\(expectation.tolerance)"
    if case .bits = block.data { return asked + ": these are single bits" }
    let goal = expectation.number.double
    let candidates = ([.one] + Self.scales).flatMap { scale in
      interpretations.compactMap { found -> (match: Match, shows: Double)? in
        guard let number = found.value.number, number.isFinite, number != 0 else { return nil }
        // A float is scaled by nobody.
        guard scale == .one || found.value.isWhole else { return nil }
        return (Match(interpretation: found, scale: scale), number * scale.double)
      }
    }
    guard let best = candidates.min(by: { abs($0.shows - goal) < abs($1.shows - goal) }) else { return asked }
    return asked + "; the nearest is \(DecimalNumber(String(format: "%.6g", best.shows))?.text ?? "\(best.shows)"): "
      + "\(line(best.match)). Is the address right, which may be counted from 0 or from 1, and the table?"
  }

  func show() {
    if case .bits(let bits) = block.data {
      var table = Table("AT", "VALUE")
      for (place, bit) in bits.enumerated() { table.add(block.place(place), bit ? "1" : "0") }
      table.show()
      return
    }
    for width in Set(interpretations.map(\.type.width)).sorted() {
      table(ofWidth: width).show()
      print("")
    }
    guard !matches.isEmpty else { return }
    print("Matches, as lines for a map:")
    for match in matches { print("  " + line(match)) }
  }

  /// One row for each place and order, one column for each type.
  private func table(ofWidth width: Int) -> Table {
    let rows = interpretations.filter { $0.type.width == width }
    var types: [ValueType] = []
    for row in rows where !types.contains(row.type) { types.append(row.type) }
    var table = Table(
      ["AT", "ORDER"] + (width == 1 ? ["WORD", "BITS", "TEXT"] : []) + types.map { "\($0.rawValue.uppercased())" })
    guard case .words(let words) = block.data else { return table }
    for place in words.indices {
      let here = rows.filter { $0.place == place }
      for order in WordOrder.allCases where here.contains(where: { $0.order == order }) {
        let isFirst = order == here.first?.order
        var cells = [isFirst ? block.place(place) : "", order.rawValue]
        if width == 1 {
          let word = isFirst ? words[place] : words[place].byteSwapped
          cells += [Self.hex(word), Self.bits(word), Self.text(word)]
        }
        table.add(
          cells + types.map { type in here.first { $0.type == type && $0.order == order }.map(shown) ?? "" })
      }
    }
    return table
  }

  private static func hex(_ word: UInt16) -> String { String(format: "%04X", Int(word)) }

  private static func bits(_ word: UInt16) -> String {
    let digits = String(word, radix: 2)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func text(_ word: UInt16) -> String {
    [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
      .map { (0x20...0x7E).contains($0) ? String(Unicode.Scalar($0)) : "." }.joined()
  }

  private func shown(_ interpretation: Interpretation) -> String {
    let isMatch = matches.contains { $0.interpretation == interpretation }
    let text =
      switch interpretation.value {
      case .int(let number): "\(number)"
      case .double(let number): Self.short(number)
      case .decimal(let number): number.text
      case .string(let text): text
      case .bool(let flag): "\(flag)"
      case .bad: "-"
      }
    return isMatch ? "*\(text)" : text
  }

  /// All digits where they are few; nobody compares the seventeenth of a number that is none.
  private static func short(_ number: Double) -> String {
    let text = "\(number)"
    return text.count <= 13 ? text : String(format: "%.6g", number)
  }

  /// A tag of a map, ready to be pasted.
  private func line(_ match: Match) -> String {
    let found = match.interpretation
    var at = block.place(found.place)
    if at.contains(":") { at = "\"\(at)\"" }
    var fields = ["at: \(at)", "type: \(found.type.rawValue)"]
    if found.order != .AB { fields.append("word-order: \(found.order.rawValue)") }
    if match.scale != .one { fields.append("scale: \(Self.short(match.scale.double))") }
    return "name: { \(fields.joined(separator: ", ")) }"
  }

  // MARK: For programs

  var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("at", block.address.text)
      writer.field("table", block.address.table.rawValue)
      writer.field("address", block.address.number)
      switch block.data {
      case .bits(let bits):
        writer.key("bits")
        writer.array { list in for bit in bits { list.value(bit) } }
      case .words(let words):
        writer.key("words")
        writer.array { list in for word in words { list.value(Self.hex(word)) } }
        writer.key("interpretations")
        writer.array { list in for found in interpretations { write(found, to: &list) } }
        writer.key("map")
        writer.array { list in for match in matches { list.value(line(match)) } }
      }
    }
    return writer.bytes
  }

  private func write(_ found: Interpretation, to list: inout JSONWriter) {
    list.object { item in
      item.field("at", block.place(found.place))
      item.field("type", found.type.rawValue)
      item.field("word-order", found.order.rawValue)
      item.key("value")
      item.value(found.value)
      item.field("matches", matches.contains { $0.interpretation == found })
    }
  }
}

extension TagValue {
  fileprivate var isWhole: Bool { if case .int = self { true } else { false } }
}
