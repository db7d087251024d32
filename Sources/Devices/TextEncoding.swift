private import Glibc

/// How a device writes text in bytes; what is not valid in it is no text.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
  /// 0 to 7F.
  case ascii
  case utf8 = "utf-8"
  /// One byte for ASCII, two for a Chinese character (and one, 80, for the euro).
  case gbk

  /// Whether this system can read it: GBK's table is the C library's.
  public var isAvailable: Bool { self != .gbk || CodeTable.gbk != nil }

  /// The text that the bytes write; nil if some of them are none of this encoding.
  public func text(of bytes: some Collection<UInt8>) -> String? {
    switch self {
    case .ascii: bytes.allSatisfy { $0 < 0x80 } ? String(decoding: bytes, as: UTF8.self) : nil
    case .utf8: String(validating: bytes, as: UTF8.self)
    case .gbk: CodeTable.gbk?.text(of: bytes)
    }
  }

  /// The bytes that write the text; nil if some of it cannot be written so.
  public func bytes(of text: String) -> [UInt8]? {
    switch self {
    case .ascii: text.utf8.allSatisfy { $0 < 0x80 } ? Array(text.utf8) : nil
    case .utf8: Array(text.utf8)
    case .gbk: CodeTable.gbk?.bytes(of: text)
    }
  }
}

/// An encoding of one or two bytes, taken over from the C library once: what it does not have is invalid.
///
/// A converter of the library belongs to one thread and costs more to open than a value to read.
private struct CodeTable: Sendable {
  /// GBK; nil where the C library came without it (`libc-gconv-modules-extra` on later Debian).
  static let gbk = CodeTable(named: "GBK")

  private static let first: UInt8 = 0x80
  /// The characters of single bytes from `first` on, 0 where there is none.
  private var singles: [UInt16] = []
  /// Those of two bytes, the first from `first` on, the second any.
  private var pairs: [UInt16] = []

  init?(named name: String) {
    let converter = iconv_open("UTF-16LE", name)
    guard converter != iconv_t(bitPattern: -1), let converter else { return nil }
    defer { iconv_close(converter) }
    for byte in Self.first...0xFF { singles.append(Self.scalar([byte], converter) ?? 0) }
    for byte in Self.first...0xFF {
      for second in UInt8(0)...0xFF {
        let isSingle = singles[Int(byte - Self.first)] != 0
        pairs.append(isSingle ? 0 : Self.scalar([byte, second], converter) ?? 0)
      }
    }
  }

  /// The one character that the bytes write.
  private static func scalar(_ bytes: [UInt8], _ converter: iconv_t) -> UInt16? {
    var input = bytes.map { CChar(bitPattern: $0) }
    var output = [CChar](repeating: 0, count: 8)
    let (whole, room) = (input.count, output.count)
    let written: Int? = input.withUnsafeMutableBufferPointer { from in
      output.withUnsafeMutableBufferPointer { to in
        var (begin, left) = (from.baseAddress, whole)
        var (end, free) = (to.baseAddress, room)
        iconv(converter, nil, nil, nil, nil)
        return iconv(converter, &begin, &left, &end, &free) == 0 && left == 0 ? room - free : nil
      }
    }
    guard written == 2 else { return nil }
    return UInt16(UInt8(bitPattern: output[1])) << 8 | UInt16(UInt8(bitPattern: output[0]))
  }

  func text(of bytes: some Collection<UInt8>) -> String? {
    var text = String.UnicodeScalarView()
    var rest = bytes.makeIterator()
    while let byte = rest.next() {
      guard byte >= Self.first else {
        text.append(Unicode.Scalar(byte))
        continue
      }
      let row = Int(byte - Self.first)
      var code = singles[row]
      if code == 0 {
        guard let second = rest.next() else { return nil }
        code = pairs[row << 8 | Int(second)]
      }
      guard code != 0, let scalar = Unicode.Scalar(code) else { return nil }
      text.append(scalar)
    }
    return String(text)
  }

  func bytes(of text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if scalar.value < Self.first {
        bytes.append(UInt8(scalar.value))
      } else if let code = UInt16(exactly: scalar.value), let place = pairs.firstIndex(of: code) {
        bytes += [Self.first + UInt8(place >> 8), UInt8(place & 0xFF)]
      } else if let code = UInt16(exactly: scalar.value), let place = singles.firstIndex(of: code) {
        bytes.append(Self.first + UInt8(place))
      } else {
        return nil
      }
    }
    return bytes
  }
}
