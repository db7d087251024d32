import Events
import Machine

/// When the daemon was started of late, in a small file that is flushed before anything else can go wrong.
///
/// A start that ends in order is taken out again, so what is left are those that crashed, were killed, or were refused. A
/// file that is damaged, or cannot be written, counts as none: it must never keep a daemon from starting.
struct Starts: Sendable, Hashable {
  /// So many starts within `span` before this one mean that it goes on like that.
  static let most = 5
  static let span = Duration.seconds(60)
  /// Lines that are kept.
  private static let kept = 16
  private static let form = "lotline-starts-1"

  /// The boot that they belong to: a PC that is started again and again is another matter.
  let boot: String
  /// CLOCK_BOOTTIME in nanoseconds, oldest first: a clock that is set changes nothing.
  private(set) var times: [UInt64]

  init(boot: String, times: [UInt64] = []) { (self.boot, self.times) = (boot, times) }

  /// Reads the text form; nil for anything else.
  init?(text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count >= 3, lines[0] == Self.form, lines.last == "" else { return nil }
    let times = lines.dropFirst(2).dropLast().map { UInt64($0) }
    guard !times.contains(nil), times.count <= Self.kept else { return nil }
    self.init(boot: lines[1], times: times.compactMap { $0 })
  }

  var text: String { ([Self.form, boot] + times.map(String.init)).joined(separator: "\n") + "\n" }

  /// Adds a start; how many there were within the span before it.
  mutating func add(_ now: UInt64) -> Int {
    let span = UInt64(Self.span.components.seconds) * 1_000_000_000
    let recent = times.filter { $0 <= now && now - $0 < span }.count
    times = (times + [now]).suffix(Self.kept)
    return recent
  }

  /// Takes the last start out again.
  mutating func removeLast() { _ = times.popLast() }
}

/// The file of starts in the daemon's folder.
struct StartsFile: Sendable {
  let path: String

  init(folder: String) { path = folder + "/edge.starts" }

  /// Notes a start and flushes it; how many there were within a minute before it.
  func begin(at moment: Moment, boot: String) -> Int {
    var starts = current(boot: boot)
    let recent = starts.add(moment.boottimeNanoseconds)
    write(starts)
    return recent
  }

  /// This start did no harm, or was ended in order: it does not count.
  func forget(boot: String) {
    var starts = current(boot: boot)
    starts.removeLast()
    write(starts)
  }

  private func current(boot: String) -> Starts {
    let text = (try? contents(of: path, limit: 4096)).map { String(decoding: $0, as: UTF8.self) }
    let known = text.flatMap { Starts(text: $0) }
    return known?.boot == boot ? known ?? Starts(boot: boot) : Starts(boot: boot)
  }

  private func write(_ starts: Starts) { try? replaceFile(at: path, with: Array(starts.text.utf8)) }
}
