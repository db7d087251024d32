/// One way to answer a question wrongly in RTU, and how its fault is to be counted.
///
/// Unit, function, length and checksum are all that tells an answer from another one there: what bears all of them
/// right, in time and alone, is the answer.
enum HostileFrame: CaseIterable, Hashable {
  case otherUnit, otherFunction, exceptionOfAnother, byteCount, tooShort, tooLong, damagedByte, damagedChecksum
  case glued, halves, drip, half, silence, late, noiseBefore, noiseAfter, garbage, echo, echoBeforeAnswer
  case lateBehindRefusal

  /// Makes the answer to `question`, each without its checksum but `question`.
  ///
  /// - Parameters:
  ///   - wrong: the right answer with values that are never right.
  ///   - honest: the right answer, for those that are wrong by what comes with it.
  ///   - late: the answer to an earlier question to another table, of another length.
  func made(
    _ question: [UInt8], wrong: [UInt8], honest: [UInt8], late: [UInt8], _ random: inout SplitMix
  ) -> HostileAnswer.Made {
    let function = wrong[1]
    let others = [UInt8](1...4).filter { $0 != function }
    let other = others.randomElement(using: &random) ?? 6
    func made(_ bytes: [UInt8], _ fault: String) -> HostileAnswer.Made { .init(delivery: .send(bytes), fault: fault) }
    func changed(_ fault: String, _ change: (inout [UInt8]) -> Void) -> HostileAnswer.Made {
      var bytes = wrong
      change(&bytes)
      return made(TestRTULine.framed(bytes), fault)
    }
    let whole = TestRTULine.framed(wrong)
    switch self {
    case .otherUnit: return changed("unit") { $0[0] = UInt8.random(in: 200...247, using: &random) }
    case .otherFunction: return changed("function") { $0[1] = other }
    case .exceptionOfAnother: return made(TestRTULine.framed([wrong[0], other | 0x80, 2]), "function")
    case .byteCount: return changed("byte-count") { $0[2] ^= UInt8.random(in: 1...255, using: &random) }
    case .tooShort: return changed("timeout") { $0.removeLast(Int.random(in: 1...(wrong.count - 3), using: &random)) }
    case .tooLong:
      let more = Int.random(in: 1...20, using: &random)
      return changed("leftover") { $0 += [UInt8](repeating: 0x9A, count: more) }
    case .damagedByte: return damaged(whole, at: Int.random(in: whole.indices, using: &random), &random)
    case .damagedChecksum:
      return damaged(whole, at: Int.random(in: (whole.count - 2)..<whole.count, using: &random), &random)
    case .glued: return made(TestRTULine.framed(honest) + TestRTULine.framed(late), "leftover")
    case .halves:
      let behind = TestRTULine.framed(late)
      let first = Int.random(in: 3..<whole.count, using: &random)
      var bytes = Array(whole[..<first] + behind[Int.random(in: 0..<behind.count, using: &random)...])
      // Two halves that fit are one right frame to everybody.
      if bytes == whole { bytes.append(0) }
      let fault = bytes.count > whole.count ? "leftover" : bytes.count < whole.count ? "timeout" : "checksum"
      return made(bytes, fault)
    case .drip: return .init(delivery: .drip(whole), fault: "timeout")
    case .half: return made(Array(whole[..<Int.random(in: 1..<whole.count, using: &random)]), "timeout")
    case .silence: return made([], "timeout")
    case .late: return .init(delivery: .late(whole), fault: "timeout")
    case .noiseBefore:
      // What an adapter makes of the line's change of direction, or more of it.
      let noise = [UInt8](
        repeating: Bool.random(using: &random) ? 0 : 0xFF, count: Int.random(in: 1...3, using: &random))
      return made(noise + TestRTULine.framed(honest), "unit")
    case .noiseAfter:
      let noise = (0..<Int.random(in: 1...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      return made(TestRTULine.framed(honest) + noise, "leftover")
    case .garbage:
      var bytes = (0..<Int.random(in: 2...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      bytes[0] = wrong[0] ^ 0x80
      return made(bytes, "unit")
    case .echo: return made(question, "own-echo")
    case .echoBeforeAnswer: return made(question + TestRTULine.framed(honest), "own-echo")
    case .lateBehindRefusal: return made(TestRTULine.framed([wrong[0], function | 0x80, 6]) + whole, "leftover")
    }
  }

  /// A byte that changed on its way: where it stands says what is seen of it first.
  private func damaged(_ whole: [UInt8], at place: Int, _ random: inout SplitMix) -> HostileAnswer.Made {
    var bytes = whole
    // No unit of these lines is above 127: it is nobody's.
    bytes[place] ^= UInt8.random(in: 1...255, using: &random) | (place == 0 ? 0x80 : 0)
    let fault =
      switch place {
      case 0: "unit"
      // It may have become a refusal, which is shorter.
      case 1: bytes[1] == whole[1] | 0x80 ? "leftover" : "function"
      case 2: "byte-count"
      default: "checksum"
      }
    return .init(delivery: .send(bytes), fault: fault)
  }
}
