/// What is asked of a device.
///
/// What may be written is made in one place alone (`WritePermit`): the acknowledge of a cycle.
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

/// One question on the wire, with the number that tells its answer from every other.
///
/// Pure: it makes the bytes to send and judges the bytes that came.
struct Exchange: Sendable, Hashable {
  let transaction: UInt16
  let unit: UInt8
  let question: Question

  /// The whole frame: transaction, protocol 0, length, unit, function and parameters.
  var bytes: [UInt8] {
    let body = question.bytes
    let length = body.count + 1
    return [
      UInt8(transaction >> 8), UInt8(truncatingIfNeeded: transaction), 0, 0, UInt8(length >> 8),
      UInt8(truncatingIfNeeded: length), unit,
    ] + body
  }

  /// Judges what came so far; nil while more has to come.
  ///
  /// Each field is checked as soon as it is there, so that a wrong frame is not waited for. A byte beyond
  /// the answer spoils all of it: nobody can say which of two answers is the right one.
  func answer(in received: [UInt8]) throws(LineFault) -> Answer? {
    func word(at place: Int) -> UInt16? {
      received.count < place + 2 ? nil : UInt16(received[place]) << 8 | UInt16(received[place + 1])
    }
    if let found = word(at: 0), found != transaction { throw .transaction(asked: transaction, found: found) }
    if let found = word(at: 2), found != 0 { throw .protocolID(found) }
    let whole = 1 + question.answerCount
    if let found = word(at: 4), found != 3, found != whole { throw .length(expected: [whole, 3], found: Int(found)) }
    if received.count > 6, received[6] != unit { throw .unit(asked: unit, found: received[6]) }
    guard received.count > 7, let length = word(at: 4).map(Int.init) else { return nil }
    let isRefusal = received[7] == question.function | 0x80
    guard isRefusal || received[7] == question.function else {
      throw .function(asked: question.function, found: received[7])
    }
    guard length == (isRefusal ? 3 : whole) else { throw .length(expected: [isRefusal ? 3 : whole], found: length) }
    if !isRefusal, let dataCount = question.dataCount, received.count > 8, Int(received[8]) != dataCount {
      throw .byteCount(expected: dataCount, found: Int(received[8]))
    }
    let end = 6 + length
    guard received.count >= end else { return nil }
    guard received.count == end else { throw .leftover(received.count - end) }
    if isRefusal { return .refused(DeviceException(code: received[8])) }
    if question.dataCount != nil { return .data(Array(received[9...])) }
    // The answer to a write begins as the question did: function, address, and value or count.
    guard Array(received[7...]) == Array(question.bytes[..<5]) else { throw .echo }
    return .data([])
  }
}
