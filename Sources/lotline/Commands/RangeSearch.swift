/// Finds which addresses of a table may be read, by halving what is refused.
///
/// Pure: it says what to ask for, and is told what came of it.
struct RangeSearch: Sendable {
  /// What is still to be looked at, the next one last.
  private var open: [Range<Int>]
  /// What may be read, in order; ranges that touch are one.
  private(set) var readable: [Range<Int>] = []

  /// - Parameter most: what one request may ask for.
  init(_ addresses: Range<Int>, most: Int) {
    open = stride(from: addresses.lowerBound, to: addresses.upperBound, by: most)
      .map { $0..<min($0 + most, addresses.upperBound) }.reversed()
  }

  /// What to ask for next; nil once all is known.
  var next: Range<Int>? { open.last }

  /// The device gave the next range, or refused it.
  mutating func found(readable isReadable: Bool) {
    guard let range = open.popLast() else { return }
    if isReadable {
      if let last = readable.last, last.upperBound == range.lowerBound {
        readable[readable.count - 1] = last.lowerBound..<range.upperBound
      } else {
        readable.append(range)
      }
    } else if range.count > 1 {
      let middle = range.lowerBound + range.count / 2
      open.append(middle..<range.upperBound)
      open.append(range.lowerBound..<middle)
    }
  }

  /// The most requests that finding out can take: each refused range of n takes 2n - 1.
  static func mostRequests(_ addresses: Range<Int>, most: Int) -> Int {
    stride(from: addresses.lowerBound, to: addresses.upperBound, by: most).reduce(0) { sum, start in
      sum + 2 * min(most, addresses.upperBound - start) - 1
    }
  }
}
