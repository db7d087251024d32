/// One way to answer a question wrongly, and how its fault is to be counted.
enum HostileAnswer: CaseIterable, Hashable {
  case otherUnit, lateByOne, lateByWrap, otherProtocol, tooShort, tooLong, absurdLength, byteCount, otherFunction
  case exceptionOfAnother, glued, halves, drip, half, silence, garbage, reset, end, byteTooMany, lateBehindRefusal

  /// What goes over the wire in place of the right answer.
  enum Delivery {
    case send([UInt8])
    /// One byte at a time, past any deadline.
    case drip([UInt8])
    /// After the deadline, and before the unit may be asked again.
    case late([UInt8])
    /// So many bytes, and then the connection ends: by a reset, or in order.
    case cut([UInt8], isReset: Bool)
  }

  /// A hostile answer with the fault that it must be counted as.
  struct Made {
    let delivery: Delivery
    let fault: String
    /// After how many bytes the connection ends, where it does.
    var cut: Int?
  }

  /// Makes the answer: `wrong` is the right frame with values that are never right, `late` the frame of an earlier
  /// question to another table, of another length, `other` that of this question with other values.
  func made(_ wrong: [UInt8], late: [UInt8], other: [UInt8], _ random: inout SplitMix) -> Made {
    func changed(_ change: (inout [UInt8]) -> Void) -> Delivery {
      var bytes = wrong
      change(&bytes)
      return .send(bytes)
    }
    let function = wrong[7]
    switch self {
    case .otherUnit:
      return Made(delivery: changed { $0[6] ^= UInt8.random(in: 1...255, using: &random) }, fault: "unit")
    case .lateByOne:
      // The answer to the request before, and the same with this request's length.
      let isOther = Bool.random(using: &random)
      let before = Array(isOther ? late : wrong)
      let number = (UInt16(wrong[0]) << 8 | UInt16(wrong[1])) &- 1
      return Made(
        delivery: .send([UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] + before.dropFirst(2)),
        fault: "transaction")
    case .lateByWrap:
      // 65,536 requests later an answer bears the same number again: it lies in front of the right one.
      return Made(delivery: .send(other + wrong), fault: "leftover")
    case .otherProtocol:
      return Made(delivery: changed { $0[Int.random(in: 2...3, using: &random)] = 1 }, fault: "protocol")
    case .tooShort:
      let missing = Int.random(in: 1...(wrong.count - 9), using: &random)
      return Made(
        delivery: changed {
          $0.removeLast(missing)
          $0[5] -= UInt8(missing)
        }, fault: "length")
    case .tooLong:
      let more = Int.random(in: 1...20, using: &random)
      return Made(
        delivery: changed {
          $0 += [UInt8](repeating: 0x9A, count: more)
          $0[5] += UInt8(more)
        }, fault: "length")
    case .absurdLength:
      let lengths: [[UInt8]] = [[0xFF, 0xFF], [0, 0], [0, 1], [0, 2], [0x80, 0], [1, 4]]
      let length = lengths.randomElement(using: &random) ?? [0xFF, 0xFF]
      return Made(delivery: changed { $0.replaceSubrange(4...5, with: length) }, fault: "length")
    case .byteCount:
      return Made(delivery: changed { $0[8] ^= UInt8.random(in: 1...255, using: &random) }, fault: "byte-count")
    case .otherFunction:
      let others = [UInt8](1...4).filter { $0 != function }
      return Made(delivery: changed { $0[7] = others.randomElement(using: &random) ?? 6 }, fault: "function")
    case .exceptionOfAnother:
      let others = [UInt8](1...4).filter { $0 != function }
      let another = others.randomElement(using: &random) ?? 6
      return Made(delivery: .send(wrong[..<4] + [0, 3, wrong[6], another | 0x80, 2]), fault: "function")
    case .glued: return Made(delivery: .send(wrong + late), fault: "leftover")
    case .halves:
      // Within the data, and cut at different places: two halves that fit are one right frame to everybody.
      let first = Int.random(in: 9..<wrong.count, using: &random)
      var rest = late.count - (wrong.count - first)
      while rest == late.count - (wrong.count - first) { rest = Int.random(in: 0..<late.count, using: &random) }
      let bytes = Array(wrong[..<first] + late[rest...])
      return Made(delivery: .send(bytes), fault: bytes.count > wrong.count ? "leftover" : "timeout")
    case .drip: return Made(delivery: .drip(wrong), fault: "timeout")
    case .half:
      return Made(delivery: .send(Array(wrong[..<Int.random(in: 1..<wrong.count, using: &random)])), fault: "timeout")
    case .silence: return Made(delivery: .send([]), fault: "timeout")
    case .garbage:
      var bytes = (0..<Int.random(in: 2...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      bytes[0] = wrong[0] ^ 0x55
      return Made(delivery: .send(bytes), fault: "transaction")
    case .reset, .end:
      let count = Int.random(in: 0..<wrong.count, using: &random)
      return Made(delivery: .cut(Array(wrong[..<count]), isReset: self == .reset), fault: "closed", cut: count)
    case .byteTooMany: return Made(delivery: changed { $0.append(0) }, fault: "leftover")
    case .lateBehindRefusal:
      return Made(delivery: .send(wrong[..<4] + [0, 3, wrong[6], function | 0x80, 6] + wrong), fault: "leftover")
    }
  }
}

/// A sequence of numbers that is the same for the same seed.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
