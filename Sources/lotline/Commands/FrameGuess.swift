import Devices
import Events

/// What the bytes of a scanner say of its line and its frames, with the reasons.
struct FrameGuess: Sendable {
  /// A line of the verdict.
  let reasons: [String]
  /// `frame: { … }` for a map; nil where nothing can be said.
  let frame: String?
  /// From 0 to 1: how much of it looks like the text of a scanner.
  let score: Double

  init(_ frames: [HeardFrame], line: SerialLine?) {
    let bytes = frames.flatMap(\.raw)
    guard !bytes.isEmpty else {
      reasons = ["nothing came: is the scanner switched on, and is it this port?"]
      frame = nil
      score = 0
      return
    }
    var reasons: [String] = []
    let end = Self.common(frames.map { Array($0.raw.reversed()) }).map { Array($0.reversed()) }
    let start = Self.common(frames.map(\.raw))
    let (count, lengths) = (frames.count, Set(frames.map(\.raw.count)))
    reasons.append("\(counted(count, "frame")) by silence of \(LineTap.silence.inWords), \(bytes.count) bytes")
    if let start { reasons.append("all begin with \(hexWords(start)) (\"\(escaped(start))\")") }
    if let end { reasons.append("all end with \(hexWords(end)) (\"\(escaped(end))\")") }
    if start == nil, end == nil { reasons.append("they have no control bytes at their ends in common") }
    if count > 1, lengths.count == 1, let length = lengths.first { reasons.append("all are \(length) bytes long") }
    let content = frames.flatMap { $0.raw.dropFirst(start?.count ?? 0).dropLast(end?.count ?? 0) }
    let share = Self.printable(content)
    reasons.append("\(Int((share * 100).rounded())) % of their bytes are printable")
    let damaged = frames.reduce(0) { $0 + $1.damagedBytes }
    if damaged > 0 { reasons.append("\(damaged) bytes have a parity or framing error") }
    reasons.append(Self.speed(content, share: share, damaged: damaged, line: line))
    self.reasons = reasons
    score = share * (end == nil ? 0.8 : 1) * (1 - Double(damaged) / Double(bytes.count))
    frame = share < 0.5 ? nil : Self.frame(start: start, end: end, lengths: lengths, frames: frames)
  }

  /// The control bytes, at most two, with which all of the sequences begin.
  private static func common(_ sequences: [[UInt8]]) -> [UInt8]? {
    guard let first = sequences.first else { return nil }
    var shared: [UInt8] = []
    for (place, byte) in first.prefix(2).enumerated() {
      guard byte < 0x20, sequences.allSatisfy({ $0.count > place && $0[place] == byte }) else { break }
      shared.append(byte)
    }
    return shared.isEmpty ? nil : shared
  }

  private static func printable(_ bytes: some Collection<UInt8>) -> Double {
    guard !bytes.isEmpty else { return 0 }
    // A GS and its kin belong to codes.
    return Double(bytes.count { (0x20...0x7E).contains($0) || (0x1C...0x1F).contains($0) }) / Double(bytes.count)
  }

  /// What the bytes say of the line's speed and parity.
  private static func speed(_ bytes: [UInt8], share: Double, damaged: Int, line: SerialLine?) -> String {
    let here = line.map { "\($0)" } ?? "this"
    if share >= 0.9, damaged == 0 { return "that is text: \(here) is most likely right" }
    let low = bytes.map { $0 & 0x7F }
    if line?.dataBits == 8, printable(low) >= 0.85 {
      let odd = bytes.count { $0.nonzeroBitCount % 2 == 1 }
      let parity = odd == bytes.count ? "7O1" : odd == 0 ? "7E1" : nil
      if let parity {
        return
          "without its highest bit it is text, and that bit is a parity: try --line \"\(line?.baud ?? 9600) \(parity)\""
      }
    }
    guard line != nil else { return "that is no text: a protocol of bytes, or another program's port" }
    let changes = bytes.reduce(0) { $0 + Int((($1 ^ ($1 >> 1)) & 0x7F).nonzeroBitCount) }
    if Double(changes) < 2 * Double(bytes.count) {
      return "few bits change within a byte: the line is set faster than the scanner sends, or its idle state is "
        + "inverted; --find-baud tries the rates"
    }
    return "that is no text: another speed or parity, or a protocol of bytes; --find-baud tries the rates"
  }

  private static func frame(start: [UInt8]?, end: [UInt8]?, lengths: Set<Int>, frames: [HeardFrame]) -> String? {
    if start == [0x02], end == [0x03], lengths == [14],
      frames.allSatisfy({ $0.raw.dropFirst().dropLast().allSatisfy { Unicode.Scalar($0).properties.isHexDigit } })
    {
      return "frame: { format: rdm6300 }"
    }
    if let end {
      return "frame: { \(start.map { "start: \"\(escaped($0))\", " } ?? "")end: \"\(escaped(end))\" }"
    }
    if frames.count > 1, lengths.count == 1, let length = lengths.first { return "frame: { length: \(length) }" }
    return nil
  }
}

/// `1B 30 31`.
func hexWords(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
}

extension Duration {
  /// `50ms`, for sentences.
  fileprivate var inWords: String { "\(Int((inSeconds * 1000).rounded())) ms" }
}
