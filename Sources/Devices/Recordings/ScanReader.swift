internal import Events

/// The scans in a recorded line, cut and folded as the device's own loop does.
struct ScanReader: Sendable {
  private let map: ScannerMap
  private let device: String
  private var frames: FrameReader
  private var presence: TagPresence?

  init(_ map: ScannerMap, device: String) {
    (self.map, self.device) = (map, device)
    frames = FrameReader(map.frame)
    presence = map.frame.goneAfter.map { TagPresence(goneAfter: $0) }
  }

  mutating func take(_ entry: WireEntry) -> [Scan] {
    let now = entry.moment.boottimeNanoseconds
    var scans = read(frames.expire(at: now)) + left(at: now)
    switch entry.kind {
    case .received(let bytes, let damaged):
      let received = bytes.enumerated().map { place, byte in
        ParityMarks.Received(byte: byte, isDamaged: damaged.contains(place))
      }
      scans += read(frames.take(received, at: entry.moment))
    case .note(let text):
      // The way to the scanner came about or went: the next bytes begin anew.
      scans += read(frames.end(because: text).map { [$0] } ?? [])
      scans += (presence?.leave() ?? []).map { map.leaving(of: $0, device: device) }
      frames = FrameReader(map.frame)
    case .sent, .ended: break
    }
    return scans
  }

  /// What is left where the recording ends.
  mutating func ended(at moment: Moment) -> [Scan] {
    let scans = read(frames.expire(at: moment.boottimeNanoseconds))
    return scans + read(frames.end(because: "the recording ends").map { [$0] } ?? [])
  }

  private mutating func read(_ frames: [FrameReader.Frame]) -> [Scan] {
    frames.compactMap { frame in
      let scan = map.scan(of: frame, device: device)
      if scan.problem == nil, presence?.hear(frame.raw, at: frame.moment) == false { return nil }
      return scan
    }
  }

  private mutating func left(at now: UInt64) -> [Scan] {
    (presence?.left(at: now) ?? []).map { map.leaving(of: $0, device: device) }
  }
}
