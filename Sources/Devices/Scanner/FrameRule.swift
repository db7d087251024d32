private import Settings

/// What begins and ends a frame, and when an unfinished or endless one is given up.
public struct FrameRule: Sendable, Hashable {
  /// Empty: whatever follows an end begins the next frame.
  public let start: [UInt8]
  /// Any of them ends a frame, none being the beginning of another; empty: its `length` or the `idle` time ends it.
  public let ends: [[UInt8]]
  /// Bytes of every frame, delimiters and check included; nil where frames differ.
  public let length: Int?
  public let check: Check
  /// In bytes, delimiters included; what is longer is kept up to here, as damaged.
  public let maxLength: Int
  /// A frame that gets no further byte for so long is ended: as damaged, unless this is what ends frames here.
  public let idle: Duration
  /// Where a reader says a tag again and again, it has left once that was not heard for so long; nil for codes.
  public let goneAfter: Duration?

  /// What a frame carries to show that it came over whole.
  public enum Check: String, Sendable, Hashable {
    case none
    /// One byte after the end: the exclusive or of all bytes behind the start, the end included (ISO 1155).
    case lrc
    /// Two hex digits after ten: the exclusive or of the five bytes that those write, as RDM6300 readers send it.
    case rdm6300
  }

  /// The largest `max-length`: it bounds what one frame can cost.
  public static let largestFrame = 4096

  public init(
    start: [UInt8] = [], ends: [[UInt8]], length: Int? = nil, check: Check = .none, maxLength: Int = largestFrame,
    idle: Duration = .milliseconds(500), goneAfter: Duration? = nil
  ) {
    self.start = start
    self.ends = ends
    self.length = length
    self.check = check
    self.maxLength = maxLength
    self.idle = idle
    self.goneAfter = goneAfter
  }

  public init(
    start: [UInt8] = [], end: [UInt8], maxLength: Int = largestFrame, idle: Duration = .milliseconds(500)
  ) {
    self.init(start: start, ends: [end], maxLength: maxLength, idle: idle)
  }

  /// An RDM6300: STX, ten hex digits, two of a checksum, ETX; again and again while a tag is there.
  public static func rdm6300(idle: Duration = .milliseconds(100), goneAfter: Duration = .seconds(1)) -> FrameRule {
    FrameRule(start: [0x02], ends: [[0x03]], length: 14, check: .rdm6300, idle: idle, goneAfter: goneAfter)
  }

  /// What a code is to be followed by: the first of `ends`; empty where none is needed.
  public var end: [UInt8] { ends.first ?? [] }

  /// Whether a pause is what ends a frame.
  public var endsWhenIdle: Bool { ends.isEmpty && (start.isEmpty || length == nil) }

  /// The most bytes of a frame that are kept.
  var limit: Int { endsWhenIdle ? maxLength : length ?? maxLength }

  /// The whole frame that a code is sent as.
  public func frame(of payload: [UInt8]) -> [UInt8] {
    switch check {
    case .none: start + payload + end
    case .lrc: start + payload + end + [(payload + end).reduce(0, ^)]
    case .rdm6300: start + payload + Self.checksum(of: payload) + end
    }
  }

  /// The frame without the delimiters and the check that it has.
  public func payload(of raw: [UInt8]) -> [UInt8] {
    var payload = raw[...]
    if payload.starts(with: start) { payload = payload.dropFirst(start.count) }
    if check == .lrc, let end = lastEnd(of: payload.dropLast()) {
      payload = payload.dropLast(1 + end.count)
    } else if let end = lastEnd(of: payload) {
      payload = payload.dropLast(end.count)
    }
    if check == .rdm6300, payload.count == 12 { payload = payload.dropLast(2) }
    return Array(payload)
  }

  /// The longest of the ends that the bytes end with.
  func lastEnd(of bytes: some BidirectionalCollection<UInt8>) -> [UInt8]? {
    var longest: [UInt8]?
    for end in ends where bytes.ends(with: end) && end.count > longest?.count ?? 0 { longest = end }
    return longest
  }

  /// What a whole frame lacks of being right; nil where it is.
  func fault(of raw: [UInt8]) -> String? {
    if let length, raw.count != length { return "\(raw.count) bytes where the map says \(length)" }
    switch check {
    case .none: return nil
    case .lrc:
      let expected = raw.dropFirst(start.count).dropLast().reduce(0, ^)
      guard let found = raw.last, found != expected else { return nil }
      return "its LRC is \(hex(found)), its bytes give \(hex(expected))"
    case .rdm6300:
      let digits = raw.dropFirst(start.count).dropLast(end.count)
      guard digits.count == 12, digits.allSatisfy({ nibble($0) != nil }) else { return "not twelve hex digits" }
      let expected = Self.checksum(of: Array(digits.prefix(10)))
      guard !digits.suffix(2).elementsEqual(expected, by: { nibble($0) == nibble($1) }) else { return nil }
      return "its checksum is \(String(decoding: digits.suffix(2), as: UTF8.self)), its digits give "
        + String(decoding: expected, as: UTF8.self)
    }
  }

  /// Two hex digits: the exclusive or of the bytes that the digits write.
  private static func checksum(of digits: [UInt8]) -> [UInt8] {
    var sum: UInt8 = 0
    for place in stride(from: 0, to: digits.count - 1, by: 2) {
      sum ^= (nibble(digits[place]) ?? 0) << 4 | (nibble(digits[place + 1]) ?? 0)
    }
    return Array(hex(sum).utf8)
  }
}

/// The value of a hex digit.
private func nibble(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x37
  case 0x61...0x66: byte - 0x57
  default: nil
  }
}

private func hex(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
}

extension BidirectionalCollection where Element == UInt8 {
  func ends(with other: [UInt8]) -> Bool { suffix(other.count).elementsEqual(other) }
}

extension FrameRule: CustomStringConvertible {
  /// What makes a frame, for people.
  public var description: String {
    if check == .rdm6300 { return "frames of an RDM6300" }
    var parts: [String] = []
    if !start.isEmpty { parts.append("begins with \"\(escaped(start))\"") }
    if let length { parts.append("\(length) bytes long") }
    if !ends.isEmpty { parts.append("ends with " + ends.map { "\"\(escaped($0))\"" }.joined(separator: " or ")) }
    if endsWhenIdle { parts.append("ends with a pause of \(format(idle))") }
    if check == .lrc { parts.append("with an LRC") }
    return parts.joined(separator: ", ")
  }
}
