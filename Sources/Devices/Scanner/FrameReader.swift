internal import Events
private import Settings

/// Cuts the bytes of a scanner into frames; nothing that came is thrown away without a word.
///
/// A frame is damaged if it has no end in time, is too long, lacks its start, has another length than the map says,
/// fails its check, or holds a byte with a parity error. A damaged frame keeps its bytes and is never joined with the
/// next. What comes out depends on the bytes and their moments alone, never on how reads cut them.
struct FrameReader: Sendable {
  /// The bytes of one frame, with their delimiters.
  struct Frame: Sendable, Hashable {
    let raw: [UInt8]
    /// When its last byte arrived.
    let moment: Moment
    /// Why it cannot be used; nil for a whole frame.
    let damage: String?
    /// Bytes that came with a parity or framing error.
    var lineErrors = 0
  }

  private let rule: FrameRule
  /// Which bytes are the last of a start or of an end: all others need no further look.
  private let isLast: [Bool]
  private let idleNanoseconds: UInt64
  private var state: State
  private var buffer: [UInt8] = []
  private var lastByte: Moment?
  private var lineErrors = 0
  /// The end that came last, so that of CR and LF the second makes no empty frame.
  private var formerEnd: [UInt8]?
  /// Frames with nothing between their delimiters: passed over.
  private(set) var emptyFrames: UInt64 = 0
  /// Bytes of frames that were too long, beyond the part that is kept.
  private(set) var droppedBytes: UInt64 = 0
  /// Bytes between the tags of an RFID reader, which makes them by itself.
  private(set) var noiseBytes: UInt64 = 0

  /// Begins to count anew.
  mutating func clearCounts() {
    emptyFrames = 0
    droppedBytes = 0
    noiseBytes = 0
  }

  private enum State {
    /// Before a start; what comes here belongs to no frame.
    case between
    case inside
    /// Behind the end of a frame whose check is still to come.
    case checking
    case dropping(Excess)
  }

  /// What comes behind the kept part of a frame that is too long.
  private struct Excess {
    var count = 0
    /// Its last bytes, to see the end.
    var tail: [UInt8]
    var isReported = false
    /// Bytes without a start rather than a frame.
    let isStray: Bool
  }

  /// A frame without end is reported after so many dropped bytes.
  static let mostDropped = 65536
  private static let newStart = "a frame without its end: a new start came"
  private static let strayBefore = "bytes without a start before a frame"

  init(_ rule: FrameRule) {
    self.rule = rule
    state = rule.start.isEmpty ? .inside : .between
    idleNanoseconds = UInt64(rule.idle.wholeMicroseconds) * 1000
    var isLast = [Bool](repeating: false, count: 256)
    for mark in rule.ends + [rule.start] { if let byte = mark.last { isLast[Int(byte)] = true } }
    self.isLast = isLast
  }

  /// When the frame that is under way is ended by the time, on the boot clock; nil while none is.
  var deadline: UInt64? {
    guard let lastByte, isUnderWay else { return nil }
    return lastByte.boottimeNanoseconds + idleNanoseconds
  }

  private var isUnderWay: Bool {
    if case .dropping = state { true } else { !buffer.isEmpty }
  }

  /// Takes bytes that arrived together; gives the frames that they end.
  mutating func take(_ bytes: [ParityMarks.Received], at moment: Moment) -> [Frame] {
    var frames: [Frame] = []
    for received in bytes {
      let more = take(received.byte, isDamaged: received.isDamaged, at: moment)
      if !more.isEmpty { frames += more }
    }
    return frames
  }

  /// Takes one byte; gives the frames that it ends.
  mutating func take(_ byte: UInt8, isDamaged: Bool = false, at moment: Moment) -> [Frame] {
    let overdue = expire(at: moment.boottimeNanoseconds)
    lastByte = moment
    if isDamaged { lineErrors += 1 }
    let frames = place(byte, moment)
    return overdue.isEmpty ? frames : overdue + frames
  }

  private mutating func place(_ byte: UInt8, _ moment: Moment) -> [Frame] {
    switch state {
    case .dropping(let excess): return drop(byte, excess, moment)
    case .checking:
      buffer.append(byte)
      return finish(moment)
    case .between:
      if rule.check == .rdm6300, byte != rule.start[0] {
        noiseBytes += 1
        lineErrors = 0
        return []
      }
      guard buffer.count < rule.maxLength else { return beginDropping(byte, isStray: true, moment) }
      buffer.append(byte)
      return isLast[Int(byte)] ? takeBetween(moment) : []
    case .inside:
      guard buffer.count < rule.limit else { return beginDropping(byte, isStray: false, moment) }
      buffer.append(byte)
      return takeInside(byte, moment)
    }
  }

  private mutating func takeInside(_ byte: UInt8, _ moment: Moment) -> [Frame] {
    if isLast[Int(byte)] {
      if let end = rule.lastEnd(of: buffer), buffer.count >= rule.start.count + end.count {
        guard rule.check == .lrc else { return finish(moment) }
        state = .checking
        return []
      }
      if !rule.start.isEmpty, buffer.count >= 2 * rule.start.count, buffer.ends(with: rule.start) {
        return restart(moment, Self.newStart)
      }
    }
    return rule.ends.isEmpty && !rule.endsWhenIdle && buffer.count == rule.limit ? finish(moment) : []
  }

  private mutating func takeBetween(_ moment: Moment) -> [Frame] {
    if buffer.ends(with: rule.start) {
      if buffer.count > rule.start.count { return restart(moment, Self.strayBefore) }
      state = .inside
      return []
    }
    guard rule.lastEnd(of: buffer) != nil else { return [] }
    return finish(moment, damage: "a frame without its start")
  }

  /// Ends the frame in the buffer, which has its end.
  private mutating func finish(_ moment: Moment, damage: String? = nil) -> [Frame] {
    let end = rule.lastEnd(of: buffer)
    if lineErrors == 0, rule.payload(of: buffer).isEmpty {
      // The LF of a CR LF: it belongs to the end before.
      let isSecond = end == buffer && formerEnd != nil && formerEnd != end
      if !isSecond { emptyFrames += 1 }
      formerEnd = isSecond ? nil : end
      reset()
      return []
    }
    formerEnd = end
    return [close(moment, damage ?? rule.fault(of: buffer))]
  }

  /// Ends what stands before the start that has just come, and begins a frame with it.
  private mutating func restart(_ moment: Moment, _ damage: String) -> [Frame] {
    buffer.removeLast(rule.start.count)
    let frame = close(moment, damage)
    state = .inside
    buffer = rule.start
    return [frame]
  }

  private mutating func close(_ moment: Moment, _ damage: String?) -> Frame {
    let parity = lineErrors == 0 ? nil : "a parity or framing error in \(lineErrors) of its bytes"
    let reasons = [damage, parity].compactMap { $0 }
    let frame = Frame(
      raw: buffer, moment: moment, damage: reasons.isEmpty ? nil : reasons.joined(separator: "; "),
      lineErrors: lineErrors)
    reset()
    return frame
  }

  private mutating func reset() {
    buffer.removeAll(keepingCapacity: true)
    lineErrors = 0
    state = rule.start.isEmpty ? .inside : .between
  }

  // MARK: Frames that are too long

  private var longestMark: Int { max(rule.start.count, rule.ends.map(\.count).max() ?? 0) }

  private mutating func beginDropping(_ byte: UInt8, isStray: Bool, _ moment: Moment) -> [Frame] {
    drop(byte, Excess(tail: Array(buffer.suffix(longestMark)), isStray: isStray), moment)
  }

  private mutating func drop(_ byte: UInt8, _ before: Excess, _ moment: Moment) -> [Frame] {
    var excess = before
    excess.count += 1
    droppedBytes += 1
    excess.tail.append(byte)
    if excess.tail.count > longestMark { excess.tail.removeFirst() }
    if isLast[Int(byte)] {
      if !rule.start.isEmpty, excess.tail.ends(with: rule.start), !rule.ends.contains(rule.start) {
        return restart(after: excess, moment)
      }
      if rule.lastEnd(of: excess.tail) != nil { return closeExcess(excess, moment, "") }
    }
    guard excess.count >= Self.mostDropped, !excess.isReported else {
      state = .dropping(excess)
      return []
    }
    let frames = closeExcess(excess, moment, ", and no end is in sight")
    excess.isReported = true
    state = .dropping(excess)
    return frames
  }

  /// A start has come: it is the next frame's, and nothing of it was lost.
  private mutating func restart(after excess: Excess, _ moment: Moment) -> [Frame] {
    var excess = excess
    let inDropped = min(rule.start.count, excess.count)
    excess.count -= inDropped
    droppedBytes -= min(droppedBytes, UInt64(inDropped))  // the counts may have been fetched in between
    if !excess.isReported { buffer.removeLast(min(buffer.count, rule.start.count - inDropped)) }
    let frames =
      excess.count > 0 || excess.isReported
      ? closeExcess(excess, moment, "")
      : [close(moment, excess.isStray ? Self.strayBefore : Self.newStart)]
    state = .inside
    buffer = rule.start
    return frames
  }

  /// Ends a frame that was too long, unless that was said before.
  private mutating func closeExcess(_ excess: Excess, _ moment: Moment, _ addition: String) -> [Frame] {
    guard !excess.isReported else {
      reset()
      return []
    }
    let what = excess.isStray ? "bytes without a start, more than" : "a frame longer than"
    let limit = excess.isStray ? rule.maxLength : rule.limit
    return [close(moment, "\(what) \(limit) bytes: \(excess.count) bytes were not kept\(addition)")]
  }

  // MARK: Frames that time ends

  /// Ends the frame that is under way if nothing came for the idle time.
  mutating func expire(at boottimeNanoseconds: UInt64) -> [Frame] {
    guard let deadline, boottimeNanoseconds >= deadline else { return [] }
    guard rule.endsWhenIdle, case .inside = state else {
      return end(because: "nothing came for \(format(rule.idle))").map { [$0] } ?? []
    }
    return pause()
  }

  /// A pause has come where that is the end of a frame.
  private mutating func pause() -> [Frame] {
    guard let lastByte else { return [] }
    guard let length = rule.length else { return finish(lastByte) }
    guard buffer.count % length == 0, lineErrors == 0, buffer.count > length else { return finish(lastByte) }
    // Several frames came without a pause between them.
    let bytes = buffer
    reset()
    return stride(from: 0, to: bytes.count, by: length).map { place in
      Frame(raw: Array(bytes[place..<place + length]), moment: lastByte, damage: nil)
    }
  }

  /// Ends the frame that is under way, if one is, as damaged: nothing more can come of it.
  mutating func end(because reason: String) -> Frame? {
    guard isUnderWay, let lastByte else { return nil }
    switch state {
    case .dropping(let excess): return closeExcess(excess, lastByte, "; " + reason).first
    case .between: return close(lastByte, "bytes without a start: " + reason + hint)
    case .checking: return close(lastByte, "a frame without its check: " + reason)
    case .inside: return close(lastByte, "a frame without its end: " + reason + hint)
    }
  }

  /// The commonest mistake in a map has a help of its own.
  private var hint: String {
    guard rule.ends == [[0x0D]], buffer == [0x0A] else { return "" }
    return "; a scanner that ends its codes with \\r\\n needs frame: { end: \"\\r\\n\" } in its map"
  }
}
