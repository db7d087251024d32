/// The check digits and check characters of GS1 keys (GS1 General Specifications, sections 7.9.1 and 7.9.5), and of IBANs.
enum CheckDigits {
  /// The digit that belongs behind `digits`: weights 3 and 1 from the right, modulo 10.
  static func digit(for digits: some BidirectionalCollection<UInt8>) -> UInt8 {
    var sum = 0
    var weight = 3
    for byte in digits.reversed() {
      sum += Int(byte &- 0x30) * weight
      weight = 4 - weight
    }
    return 0x30 + UInt8((10 - sum % 10) % 10)
  }

  /// The two characters that belong behind `text`: primes as weights from the right, modulo 1021, written in base 32.
  ///
  /// Nil where `text` has a character that is not of set 82, or is longer than there are weights.
  static func pair(for text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
    guard text.count <= primes.count else { return nil }
    var sum = 0
    for (byte, prime) in zip(text.reversed(), primes) {
      guard let value = set82.firstIndex(of: byte) else { return nil }
      sum += value * prime
    }
    sum %= 1021
    return [set32[sum >> 5], set32[sum & 31]]
  }

  /// Whether an IBAN's number leaves 1 (ISO 13616: its first four characters behind the rest, letters as 10 to 35,
  /// modulo 97); false for anything that is none.
  static func isIBAN(_ text: some Collection<UInt8>) -> Bool {
    let all = Array(text)
    guard all.count >= 5 else { return false }
    var rest = 0
    for byte in all[4...] + all[..<4] {
      switch byte {
      case 0x30...0x39: rest = (rest * 10 + Int(byte) - 0x30) % 97
      case 0x41...0x5A: rest = (rest * 100 + Int(byte) - 0x37) % 97
      default: return false
      }
    }
    return rest == 1
  }

  private static let set82 = Array(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz".utf8)
  private static let set32 = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
  private static let primes = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
  ]
}
