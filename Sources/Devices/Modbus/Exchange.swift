/// What is asked of a device.
///
/// What may be written is made in one place alone (`WritePermit`): the acknowledge of a cycle, and the lamp of the line.
enum Question: Sendable, Hashable {
  /// Coils, discrete inputs or registers, `count` of them.
  case read(ModbusAddress.Table, address: UInt16, count: UInt16)
  case write(PermittedWrite)

  init(_ request: PlannedRequest) {
    self = .read(request.table, address: UInt16(request.address), count: UInt16(request.count))
  }

  var function: UInt8 {
    switch self {
    case .read(let table, _, _): table.readFunction
    case .write(let write): write.function
    }
  }

  /// The function and its parameters.
  var bytes: [UInt8] {
    func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }
    switch self {
    case .read(_, let address, let count): return [function] + word(address) + word(count)
    case .write(let write):
      let values = write.words.flatMap(word)
      switch function {
      case 5: return [function] + word(write.address) + [write.words == [1] ? 0xFF : 0x00, 0x00]
      case 6: return [function] + word(write.address) + values
      default:
        return [function] + word(write.address) + word(UInt16(write.words.count)) + [UInt8(values.count)] + values
      }
    }
  }

  /// How many bytes of data a good answer to a read holds; nil for a write.
  var dataCount: Int? {
    switch self {
    case .read(let table, _, let count): table.isBits ? (Int(count) + 7) / 8 : Int(count) * 2
    case .write: nil
    }
  }

  /// How long the function and data of a good answer are.
  var answerCount: Int { dataCount.map { 2 + $0 } ?? 5 }
}

/// What a device says to a question, the line being sound.
enum Answer: Sendable, Hashable {
  /// The registers' or bits' bytes as they came; none for a write.
  case data([UInt8])
  case refused(DeviceException)
}

/// How frames are told apart on the wire.
public enum ModbusFraming: String, Sendable, Hashable, CaseIterable {
  /// Modbus TCP: a header with a number that tells an answer from every other.
  case tcp
  /// Modbus RTU: unit and checksum, and silence between frames; nothing tells a late answer from a right one.
  case rtu
}

/// One question on the wire, with what tells its answer from every other.
///
/// Pure: it makes the bytes to send and judges the bytes that came.
struct Exchange: Sendable, Hashable {
  let framing: ModbusFraming
  /// The number of the request; with RTU there is none.
  let transaction: UInt16
  let unit: UInt8
  let question: Question

  /// A question over Modbus TCP.
  init(transaction: UInt16, unit: UInt8, question: Question) {
    framing = .tcp
    self.transaction = transaction
    self.unit = unit
    self.question = question
  }

  /// A question over a serial line, or through a gateway that hands the line through.
  init(rtu unit: UInt8, question: Question) {
    framing = .rtu
    transaction = 0
    self.unit = unit
    self.question = question
  }

  /// The whole frame.
  var bytes: [UInt8] {
    let body = [unit] + question.bytes
    switch framing {
    case .tcp:
      // Transaction, protocol 0, length of what follows.
      return [
        UInt8(transaction >> 8), UInt8(truncatingIfNeeded: transaction), 0, 0, UInt8(body.count >> 8),
        UInt8(truncatingIfNeeded: body.count),
      ] + body
    case .rtu: return body + Self.checksum(of: body[...])
    }
  }

  /// Judges what came so far; nil while more has to come.
  ///
  /// Each field is checked as soon as it is there, so that a wrong frame is not waited for. A byte beyond
  /// the answer spoils all of it: nobody can say which of two answers is the right one.
  func answer(in received: [UInt8]) throws(LineFault) -> Answer? {
    switch framing {
    case .tcp: try answer(inTCP: received)
    case .rtu: try answer(inRTU: received)
    }
  }

  private func answer(inTCP received: [UInt8]) throws(LineFault) -> Answer? {
    func word(at place: Int) -> UInt16? {
      received.count < place + 2 ? nil : UInt16(received[place]) << 8 | UInt16(received[place + 1])
    }
    if let found = word(at: 0), found != transaction { throw .transaction(asked: transaction, found: found) }
    if let found = word(at: 2), found != 0 { throw .protocolID(found) }
    let whole = 1 + question.answerCount
    if let found = word(at: 4), found != 3, found != whole { throw .length(expected: [whole, 3], found: Int(found)) }
    if received.count > 6, received[6] != unit { throw .unit(asked: unit, found: received[6]) }
    guard received.count > 7, let length = word(at: 4).map(Int.init) else { return nil }
    let isRefusal = try isRefusal(received[7])
    guard length == (isRefusal ? 3 : whole) else { throw .length(expected: [isRefusal ? 3 : whole], found: length) }
    if !isRefusal, let dataCount = question.dataCount, received.count > 8, Int(received[8]) != dataCount {
      throw .byteCount(expected: dataCount, found: Int(received[8]))
    }
    let end = 6 + length
    guard received.count >= end else { return nil }
    guard received.count == end else { throw .leftover(received.count - end) }
    return try answer(in: received[7..<end], isRefusal: isRefusal)
  }

  private func answer(inRTU received: [UInt8]) throws(LineFault) -> Answer? {
    if let found = received.first, found != unit { throw .unit(asked: unit, found: found) }
    guard received.count > 1 else { return nil }
    let isRefusal = try isRefusal(received[1])
    if !isRefusal, let dataCount = question.dataCount, received.count > 2, Int(received[2]) != dataCount {
      // A right answer to a write repeats the question, that to a read never does.
      guard bytes.starts(with: received.prefix(8)) else {
        throw .byteCount(expected: dataCount, found: Int(received[2]))
      }
      guard received.count >= 8 else { return nil }
      throw .ownEcho
    }
    // Unit, function and code, or unit and the answer; then the checksum.
    let end = (isRefusal ? 3 : 1 + question.answerCount) + 2
    guard received.count >= end else { return nil }
    guard received.count == end else { throw .leftover(received.count - end) }
    guard received[(end - 2)...].elementsEqual(Self.checksum(of: received[..<(end - 2)])) else { throw .checksum }
    return try answer(in: received[1..<(end - 2)], isRefusal: isRefusal)
  }

  private func isRefusal(_ function: UInt8) throws(LineFault) -> Bool {
    if function == question.function { return false }
    guard function == question.function | 0x80 else { throw .function(asked: question.function, found: function) }
    return true
  }

  /// What a whole frame says, from its function on.
  private func answer(in body: ArraySlice<UInt8>, isRefusal: Bool) throws(LineFault) -> Answer {
    if isRefusal { return .refused(DeviceException(code: body[body.startIndex + 1])) }
    if question.dataCount != nil { return .data(Array(body.dropFirst(2))) }
    // The answer to a write begins as the question did: function, address, and value or count.
    guard body.elementsEqual(question.bytes[..<5]) else { throw .echo }
    return .data([])
  }

  /// The CRC-16 of an RTU frame, low byte first (Modbus over serial line V1.02, 6.2.2).
  static func checksum(of bytes: ArraySlice<UInt8>) -> [UInt8] {
    var crc: UInt16 = 0xFFFF
    for byte in bytes {
      crc ^= UInt16(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xA001 : crc >> 1 }
    }
    return [UInt8(truncatingIfNeeded: crc), UInt8(crc >> 8)]
  }
}
