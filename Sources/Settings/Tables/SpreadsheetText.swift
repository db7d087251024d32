/// The text of a file as spreadsheets save it: UTF-8, UTF-16 with its mark, or Windows' western code page.
public struct SpreadsheetText: Sendable, Hashable {
  public let text: String
  public let encoding: Encoding

  /// How the bytes were understood.
  public enum Encoding: String, Sendable, Hashable {
    case utf8 = "UTF-8"
    case utf16LittleEndian = "UTF-16, little-endian"
    case utf16BigEndian = "UTF-16, big-endian"
    /// What is no UTF-8 and has no mark: Excel's "CSV" of western Windows.
    case windows1252 = "Windows-1252"
  }

  /// Why bytes are no text.
  public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  public init(_ bytes: [UInt8]) throws(Fault) {
    if bytes.starts(with: [0xFF, 0xFE]) {
      (text, encoding) = (try Self.utf16(bytes.dropFirst(2), isBigEndian: false), .utf16LittleEndian)
    } else if bytes.starts(with: [0xFE, 0xFF]) {
      (text, encoding) = (try Self.utf16(bytes.dropFirst(2), isBigEndian: true), .utf16BigEndian)
    } else if bytes.contains(0) {
      throw Fault(
        description: "it has zero bytes, as UTF-16 without its mark or a workbook has: save it as \"CSV UTF-8\"")
    } else {
      let rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
      if let text = String(validating: rest, as: UTF8.self) {
        (self.text, encoding) = (text, .utf8)
      } else {
        (text, encoding) = (try Self.windows1252(bytes), .windows1252)
      }
    }
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) throws(Fault) -> String {
    guard bytes.count % 2 == 0 else {
      throw Fault(description: "it says that it is UTF-16 and ends within a character: save it as \"CSV UTF-8\"")
    }
    let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { place -> UInt16 in
      let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    guard let text = String(validating: units, as: UTF16.self) else {
      throw Fault(description: "it says that it is UTF-16 and is not: save it as \"CSV UTF-8\"")
    }
    return text
  }

  private static func windows1252(_ bytes: [UInt8]) throws(Fault) -> String {
    var text = String.UnicodeScalarView()
    for (place, byte) in bytes.enumerated() {
      let code = (0x80...0x9F).contains(byte) ? high[Int(byte) - 0x80] : UInt32(byte)
      guard code > 0, let scalar = Unicode.Scalar(code) else {
        throw Fault(
          description: "byte \(place + 1) (0x\(String(byte, radix: 16, uppercase: true))) is neither UTF-8 nor "
            + "Windows-1252: save it as \"CSV UTF-8\"")
      }
      text.append(scalar)
    }
    return String(text)
  }

  /// What the code page has from 0x80 to 0x9F (Unicode's mapping CP1252.TXT); 0 where it has nothing.
  private static let high: [UInt32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E,
    0x0178,
  ]
}
