internal import Events
private import Settings

/// Notices that a scanner reads nothing that is valid, or that its line gives nothing but garbage.
///
/// Each is told once when it begins and once when it is over, which a valid frame makes it.
struct ScanWatch: Sendable {
  /// What is to be told of the device.
  struct Sign: Sendable, Hashable {
    let kind: FindingData.Kind
    let from: Timestamp
    let to: Timestamp?
    let count: UInt64?
    let reason: String
  }

  /// So many frames in a row that are none are no accident.
  static let mostFrames: UInt64 = 5
  /// So many bytes without a valid frame are none either.
  static let mostBytes: UInt64 = 4096

  private let silentAfter: Duration?
  /// Nil: a connection, which has no speed that could be wrong.
  private let line: SerialLine?
  private let ends: [[UInt8]]
  private var lastValid: Moment?
  private var garbage: Garbage?
  private var silence: Sign?
  private var garbageSign: Sign?

  /// What came since the last valid frame.
  private struct Garbage: Sendable {
    let from: Moment
    var frames: UInt64 = 0
    var bytes: UInt64 = 0
    var lineErrors: UInt64 = 0
    /// Bytes that no text has.
    var foreign: UInt64 = 0
    /// The last of the usual ends that was seen.
    var usualEnd: [UInt8]?
  }

  init(line: SerialLine?, ends: [[UInt8]], silentAfter: Duration?) {
    self.line = line
    self.ends = ends
    self.silentAfter = silentAfter
  }

  /// Nothing but garbage has come for a while: what looks like a code there, and no rule knows, is part of it.
  var seesGarbage: Bool { garbageSign != nil }

  /// The port is open: the time begins to run.
  mutating func began(at moment: Moment) { if silence == nil { lastValid = moment } }

  /// A valid frame came: what was wrong is over.
  mutating func valid(at moment: Moment) -> [Sign] {
    lastValid = moment
    garbage = nil
    return end(at: moment, because: "a valid frame came")
  }

  /// The scanner is no longer watched.
  mutating func end(at moment: Moment, because reason: String) -> [Sign] {
    defer {
      silence = nil
      garbageSign = nil
    }
    return [silence, garbageSign].compactMap { sign in
      sign.map { Sign(kind: $0.kind, from: $0.from, to: moment.time, count: $0.count, reason: reason) }
    }
  }

  /// A frame came that is none, or whose bytes are no text.
  mutating func unusable(_ raw: [UInt8], lineErrors: Int, at moment: Moment) -> [Sign] {
    var seen = garbage ?? Garbage(from: moment)
    seen.frames += 1
    seen.bytes += UInt64(raw.count)
    seen.lineErrors += UInt64(lineErrors)
    for byte in raw where byte >= 0x7F || (byte < 0x20 && !Self.usualControls.contains(byte)) { seen.foreign += 1 }
    seen.usualEnd = Self.usualEnds.first { raw.ends(with: $0) } ?? seen.usualEnd
    return suspect(seen, at: moment)
  }

  /// Bytes came that belong to no frame.
  mutating func stray(_ count: UInt64, at moment: Moment) -> [Sign] {
    guard count > 0 else { return [] }
    var seen = garbage ?? Garbage(from: moment)
    seen.bytes += count
    seen.foreign += count
    return suspect(seen, at: moment)
  }

  private mutating func suspect(_ seen: Garbage, at moment: Moment) -> [Sign] {
    garbage = seen
    guard garbageSign == nil, seen.frames >= Self.mostFrames || seen.bytes >= Self.mostBytes else { return [] }
    let sign = Sign(
      kind: .onlyGarbage, from: seen.from.time, to: nil, count: seen.frames,
      reason: "\(seen.bytes) bytes and no valid frame: \(hint(seen))")
    garbageSign = sign
    return [sign]
  }

  private func hint(_ seen: Garbage) -> String {
    let setting = line.map { "the map's line, \($0)," } ?? "what the map says"
    if seen.lineErrors > 0, line != nil {
      return "\(seen.lineErrors) of them with parity or framing errors: \(setting) is not the scanner's"
    }
    if seen.foreign * 3 > seen.bytes {
      return line == nil
        ? "they are no text: does another device answer at this address?"
        : "they are no text: \(setting) is not the scanner's, or another device is on this port"
    }
    if let end = seen.usualEnd, !ends.contains(end) {
      return "they are text, and seem to end with \(escaped(end)): see frame in the map"
    }
    return "they are text: do they end as frame in the map says?"
  }

  /// Looks whether the silence has lasted too long.
  mutating func check(at moment: Moment) -> [Sign] {
    guard let silentAfter, silence == nil, let lastValid,
      moment.boottimeNanoseconds >= lastValid.boottimeNanoseconds + UInt64(silentAfter.wholeMicroseconds) * 1000
    else { return [] }
    let sign = Sign(
      kind: .noValidScan, from: lastValid.time, to: nil, count: nil,
      reason: "nothing valid for \(format(silentAfter)): is it used, and does it read?")
    silence = sign
    return [sign]
  }

  private static let usualControls: Set<UInt8> = [0x02, 0x03, 0x04, 0x09, 0x0A, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F]
  private static let usualEnds: [[UInt8]] = [[0x0D, 0x0A], [0x0A], [0x0D], [0x03]]
}
