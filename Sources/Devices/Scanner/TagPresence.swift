internal import Events

/// Which tags stand before an RFID reader that says each again and again for as long as it is there.
///
/// The first time is a scan; the rest are counted until the tag was not heard for `goneAfter`, and told with its leaving.
struct TagPresence: Sendable {
  /// A tag that is there.
  struct Tag: Sendable, Hashable {
    let raw: [UInt8]
    let first: Moment
    var last: Moment
    /// How often the reader said it.
    var frames: UInt64
  }

  /// More at once no reader tells apart; the one that was heard longest ago has left then.
  static let most = 16

  private let goneAfterNanoseconds: UInt64
  private var tags: [Tag] = []

  init(goneAfter: Duration) { goneAfterNanoseconds = UInt64(goneAfter.wholeMicroseconds) * 1000 }

  /// When the next tag has left, if it is not heard before; on the boot clock.
  var deadline: UInt64? { tags.map { $0.last.boottimeNanoseconds + goneAfterNanoseconds }.min() }

  /// Hears a tag; whether it has just come.
  mutating func hear(_ raw: [UInt8], at moment: Moment) -> Bool {
    guard let place = tags.firstIndex(where: { $0.raw == raw }) else {
      tags.append(Tag(raw: raw, first: moment, last: moment, frames: 1))
      return true
    }
    tags[place].last = moment
    tags[place].frames += 1
    return false
  }

  /// Takes a tag for one that was never there: its coming was not kept, and is told again the next time.
  mutating func forget(_ raw: [UInt8]) { tags.removeAll { $0.raw == raw } }

  /// The tags that have left by now.
  mutating func left(at boottimeNanoseconds: UInt64) -> [Tag] {
    var left = tags.filter { $0.last.boottimeNanoseconds + goneAfterNanoseconds <= boottimeNanoseconds }
    tags.removeAll { $0.last.boottimeNanoseconds + goneAfterNanoseconds <= boottimeNanoseconds }
    while tags.count > Self.most { left.append(tags.removeFirst()) }
    return left
  }

  /// All that are there: the reader is gone, and with it whatever stood before it.
  mutating func leave() -> [Tag] {
    defer { tags = [] }
    return tags
  }
}
