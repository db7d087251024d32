/// A request as it stands in a recording: what it asked, and what its answer has to be.
struct RecordedRequest: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    case read(Exchange, ModbusAddress.Table, Range<Int>)
    /// Where it wrote, and what.
    case write(ModbusAddress.Table, address: Int, words: [UInt16])
  }

  let framing: ModbusFraming
  let unit: UInt8
  let kind: Kind
  private let sent: [UInt8]

  /// Takes a whole frame apart; nil for bytes that are none of our requests.
  init?(_ bytes: [UInt8], framing: ModbusFraming) {
    let head = framing == .tcp ? 6 : 0
    let tail = framing == .tcp ? 0 : 2
    guard bytes.count >= head + 6 + tail else { return nil }
    func word(_ place: Int) -> UInt16 { UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]) }
    let (function, address, second) = (bytes[head + 1], word(head + 2), word(head + 4))
    (self.framing, unit, sent) = (framing, bytes[head], bytes)
    if let table = ModbusAddress.Table.allCases.first(where: { $0.readFunction == function }) {
      let question = Question.read(table, address: address, count: second)
      let exchange =
        framing == .tcp
        ? Exchange(transaction: word(0), unit: unit, question: question) : Exchange(rtu: unit, question: question)
      guard exchange.bytes == bytes else { return nil }
      kind = .read(exchange, table, Int(address)..<(Int(address) + Int(second)))
      return
    }
    switch function {
    case 5: kind = .write(.coil, address: Int(address), words: [second == 0xFF00 ? 1 : 0])
    case 6: kind = .write(.holding, address: Int(address), words: [second])
    case 16:
      guard bytes.count == head + 7 + Int(second) * 2 + tail else { return nil }
      kind = .write(.holding, address: Int(address), words: (0..<Int(second)).map { word(head + 7 + $0 * 2) })
    default: return nil
    }
  }

  /// Judges what came so far, as the line did; nil while more has to come.
  func answer(in received: [UInt8]) throws(LineFault) -> Answer? {
    guard case .read(let exchange, _, _) = kind else { return try answerToWrite(received) }
    return try exchange.answer(in: received)
  }

  /// An answer to a write repeats how the request began, or refuses it.
  private func answerToWrite(_ received: [UInt8]) throws(LineFault) -> Answer? {
    let head = framing == .tcp ? 6 : 0
    let tail = framing == .tcp ? 0 : 2
    func word(_ bytes: [UInt8], _ place: Int) -> UInt16 { UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]) }
    if framing == .tcp, received.count >= 2, word(received, 0) != word(sent, 0) {
      throw .transaction(asked: word(sent, 0), found: word(received, 0))
    }
    guard received.count > head + 1 else { return nil }
    if received[head] != unit { throw .unit(asked: unit, found: received[head]) }
    let (asked, found) = (sent[head + 1], received[head + 1])
    guard found & 0x7F == asked else { throw .function(asked: asked, found: found) }
    let end = head + (found == asked ? 6 : 3) + tail
    guard received.count >= end else { return nil }
    guard received.count == end else { throw .leftover(received.count - end) }
    if framing == .rtu, !received[(end - 2)...].elementsEqual(Exchange.checksum(of: received[..<(end - 2)])) {
      throw .checksum
    }
    if found != asked { return .refused(DeviceException(code: received[head + 2])) }
    guard received[head..<(end - tail)].elementsEqual(sent[head..<(end - tail)]) else { throw .echo }
    return .data([])
  }
}

extension RecordedRequest: CustomStringConvertible {
  var description: String {
    switch kind {
    case .read(_, let table, let range):
      PlannedRequest(table: table, range: range, tags: []).description
    case .write(let table, let address, let words):
      "write of \(words.map { String($0) }.joined(separator: ", ")) to \(table.rawValue):\(address)"
    }
  }
}
