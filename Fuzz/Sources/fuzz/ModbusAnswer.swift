@testable import Devices

extension FuzzTarget {
  /// The decoder of answers over Modbus TCP.
  ///
  /// The first byte chooses the question; the rest is what the device sends. What is taken for an answer must be, byte
  /// for byte, the one frame that answers the question, and no part of it may be taken for the whole.
  static let modbusAnswer = FuzzTarget(name: "modbus-answer", longest: 300) { input in
    guard let choice = input.first else { return }
    let exchange = Exchange(transaction: 0x1234, unit: 7, question: questions[Int(choice) % questions.count])
    let received = Array(input.dropFirst())
    judge(received, as: exchange) { exchange.bytes[..<4] + [0, UInt8($0.count)] + $0 }
  }

  /// The decoder of answers in RTU: the same, told apart by unit, function, length and checksum alone.
  ///
  /// The checksum of what was fuzzed is put behind it where the second byte is even: libFuzzer would hardly find one.
  static let modbusFrame = FuzzTarget(name: "modbus-frame", longest: 300) { input in
    guard input.count > 2 else { return }
    let exchange = Exchange(rtu: 7, question: questions[Int(input[0]) % questions.count])
    var received = Array(input.dropFirst(2))
    if input[1].isMultiple(of: 2) { received += Exchange.checksum(of: received[...]) }
    judge(received, as: exchange) { $0 + Exchange.checksum(of: $0[...]) }
  }

  /// Claims that what is taken for an answer is the one frame that `framed` makes of unit, function and data.
  private static func judge(_ received: [UInt8], as exchange: Exchange, framed: ([UInt8]) -> [UInt8]) {
    guard let answer = try? exchange.answer(in: received) else { return }
    let function = exchange.question.function
    var body: [UInt8] = [exchange.unit]
    switch answer {
    case .refused(let exception): body += [function | 0x80, exception.code]
    case .data(let data):
      claim(data.count == exchange.question.dataCount ?? 0, "\(data.count) bytes of data")
      body.append(function)
      body += exchange.question.dataCount == nil ? exchange.question.bytes[1..<5] : [UInt8(data.count)] + data
    }
    claim(received == framed(body), "\(received) was taken for \(answer)")
    for end in received.indices {
      claim((try? exchange.answer(in: Array(received[..<end]))) == .some(.none), "\(end) bytes are not waited for")
    }
  }

  private static let questions: [Question] =
    [
      .read(.holding, address: 5, count: 2), .read(.holding, address: 0, count: 125),
      .read(.input, address: 9, count: 1), .read(.coil, address: 0, count: 9),
      .read(.discrete, address: 3, count: 2000),
    ] + [acknowledge(7, .uint16), acknowledge(0x3_0001, .uint32), acknowledge(1, .bool)].compactMap { $0 }

  /// The question that writes an acknowledge: a coil for a bit, holding registers for a counter.
  private static func acknowledge(_ value: UInt64, _ type: ValueType) -> Question? {
    func tag(_ number: Int) -> ModbusTag {
      let table: ModbusAddress.Table = type == .bool ? .coil : .holding
      return ModbusTag(name: "word", address: ModbusAddress(table: table, number: number, text: "here"), type: type)
    }
    let trigger = ModbusTrigger(tag: tag(0), acknowledge: tag(109))
    return WritePermit(trigger)?.acknowledging(value).map { .write($0) }
  }
}
