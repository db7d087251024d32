/// What begins and ends a frame, and when an unfinished or endless one is given up.
public struct FrameRule: Sendable, Hashable {
  /// Empty: whatever follows an end begins the next frame.
  public let start: [UInt8]
  public let end: [UInt8]
  /// In bytes, delimiters included; what is longer is kept up to here, as damaged.
  public let maxLength: Int
  /// A frame that gets no further byte for so long is ended, as damaged.
  public let idle: Duration

  /// The largest `max-length`: it bounds what one frame can cost.
  public static let largestFrame = 4096

  public init(
    start: [UInt8] = [], end: [UInt8], maxLength: Int = largestFrame, idle: Duration = .milliseconds(500)
  ) {
    self.start = start
    self.end = end
    self.maxLength = maxLength
    self.idle = idle
  }

  /// The frame without the delimiters that it has.
  public func payload(of raw: [UInt8]) -> [UInt8] {
    var payload = raw[...]
    if payload.starts(with: start) { payload = payload.dropFirst(start.count) }
    if payload.ends(with: end) { payload = payload.dropLast(end.count) }
    return Array(payload)
  }
}

extension BidirectionalCollection where Element == UInt8 {
  func ends(with other: [UInt8]) -> Bool { suffix(other.count).elementsEqual(other) }
}
