internal import Events

/// Cuts the bytes of a scanner into frames; nothing that came is thrown away without a word.
///
/// A frame is damaged if it has no end in time, is too long, lacks its start, or holds a byte with a
/// parity error. A damaged frame keeps its bytes and is never joined with the next.
struct FrameReader: Sendable {
  /// The bytes of one frame, with their delimiters.
  struct Frame: Sendable, Hashable {
    let raw: [UInt8]
    /// When its last byte arrived.
    let moment: Moment
    /// Why it cannot be used; nil for a whole frame.
    let damage: String?
  }

  private let rule: FrameRule
  private var state: State
  private var buffer: [UInt8] = []
  private var lastByte: Moment?
  private var damagedBytes = 0
  /// Frames with nothing between their delimiters: passed over.
  private(set) var emptyFrames: UInt64 = 0
  /// Bytes of frames that were too long, beyond the part that is kept.
  private(set) var droppedBytes: UInt64 = 0

  /// Begins to count anew.
  mutating func clearCounts() {
    emptyFrames = 0
    droppedBytes = 0
  }

  private enum State {
    /// Before a start; what comes here belongs to no frame.
    case between
    case inside
    /// Behind the kept part of a frame that is too long; its last bytes, to see the end.
    case dropping(count: Int, tail: [UInt8], isReported: Bool)
  }

  /// A frame without end is reported after so many dropped bytes.
  static let mostDropped = 65536

  init(_ rule: FrameRule) {
    self.rule = rule
    state = rule.start.isEmpty ? .inside : .between
  }

  /// When the frame that is under way is given up, on the boot clock; nil while none is.
  var deadline: UInt64? {
    guard let lastByte, isUnderWay else { return nil }
    return lastByte.boottimeNanoseconds + UInt64(rule.idle.wholeMicroseconds) * 1000
  }

  private var isUnderWay: Bool {
    if case .dropping = state { true } else { !buffer.isEmpty }
  }

  /// Takes one byte; gives the frames that it ends, of which all but the last can only be damaged.
  mutating func take(_ byte: UInt8, isDamaged: Bool = false, at moment: Moment) -> [Frame] {
    lastByte = moment
    if isDamaged { damagedBytes += 1 }
    if case .dropping = state { return drop(byte, moment) }
    guard buffer.count < rule.maxLength else {
      let tail = buffer.suffix(max(rule.start.count, rule.end.count))
      state = .dropping(count: 0, tail: Array(tail), isReported: false)
      return drop(byte, moment)
    }
    buffer.append(byte)
    if case .between = state { return takeBetween(moment) }
    return takeInside(moment)
  }

  private mutating func takeInside(_ moment: Moment) -> [Frame] {
    if buffer.count >= rule.start.count + rule.end.count, buffer.ends(with: rule.end) {
      return finish(moment)
    }
    if !rule.start.isEmpty, buffer.count >= 2 * rule.start.count, buffer.ends(with: rule.start) {
      return restart(moment, "a frame without its end: a new start came")
    }
    return []
  }

  private mutating func takeBetween(_ moment: Moment) -> [Frame] {
    if buffer.ends(with: rule.start) {
      if buffer.count > rule.start.count { return restart(moment, "bytes without a start before a frame") }
      state = .inside
      return []
    }
    guard buffer.ends(with: rule.end) else { return [] }
    return finish(moment, damage: "a frame without its start")
  }

  /// Ends the frame in the buffer, which has its end.
  private mutating func finish(_ moment: Moment, damage: String? = nil) -> [Frame] {
    if rule.payload(of: buffer).isEmpty, damagedBytes == 0 {
      emptyFrames += 1
      reset()
      return []
    }
    return [close(moment, damage)]
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
    let parity = damagedBytes == 0 ? nil : "a parity or framing error in \(damagedBytes) of its bytes"
    let reasons = [damage, parity].compactMap { $0 }
    let frame = Frame(
      raw: buffer, moment: moment, damage: reasons.isEmpty ? nil : reasons.joined(separator: "; "))
    reset()
    return frame
  }

  private mutating func reset() {
    buffer.removeAll(keepingCapacity: true)
    damagedBytes = 0
    state = rule.start.isEmpty ? .inside : .between
  }

  private mutating func drop(_ byte: UInt8, _ moment: Moment) -> [Frame] {
    guard case .dropping(var count, var tail, let isReported) = state else { return [] }
    count += 1
    droppedBytes += 1
    tail.append(byte)
    if tail.count > max(rule.start.count, rule.end.count) { tail.removeFirst() }
    state = .dropping(count: count, tail: tail, isReported: isReported)
    let isStart = !rule.start.isEmpty && tail.ends(with: rule.start) && rule.start != rule.end
    if isStart || tail.ends(with: rule.end) {
      let frame = isReported ? nil : close(moment, tooLong(count))
      reset()
      if isStart {
        state = .inside
        buffer = rule.start
      }
      return frame.map { [$0] } ?? []
    }
    guard count >= Self.mostDropped, !isReported else { return [] }
    let frame = close(moment, tooLong(count) + ", and no end is in sight")
    state = .dropping(count: count, tail: tail, isReported: true)
    return [frame]
  }

  private func tooLong(_ dropped: Int) -> String {
    "a frame longer than \(rule.maxLength) bytes: \(dropped) bytes were not kept"
  }

  /// Ends the frame that is under way, if one is: the time is over, or nothing more can come.
  mutating func end(because reason: String) -> Frame? {
    guard isUnderWay, let lastByte else { return nil }
    if case .dropping(let count, _, let isReported) = state {
      defer { reset() }
      return isReported ? nil : close(lastByte, tooLong(count) + "; " + reason)
    }
    return close(lastByte, (isBetween ? "bytes without a start: " : "a frame without its end: ") + reason + hint)
  }

  private var isBetween: Bool { if case .between = state { true } else { false } }

  /// The commonest mistake in a map has a help of its own.
  private var hint: String {
    guard rule.end == [0x0D], buffer == [0x0A] else { return "" }
    return "; a scanner that ends its codes with \\r\\n needs frame: { end: \"\\r\\n\" } in its map"
  }
}
