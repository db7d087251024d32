private import Glibc

/// Microseconds since 1970-01-01T00:00:00Z, the resolution that events carry.
public struct Timestamp: Sendable, Hashable, Comparable {
  public let microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

  public func adding(_ duration: Duration) -> Timestamp {
    Timestamp(microseconds: microseconds + duration.wholeMicroseconds)
  }

  /// How much later `self` is than `earlier`.
  public func since(_ earlier: Timestamp) -> Duration { .microseconds(microseconds - earlier.microseconds) }
}

/// One moment on the two clocks of a PC.
///
/// Wall time is what people read and may jump; boot time counts on through suspends and never goes
/// back, but means something only until the next boot.
public struct Moment: Sendable, Hashable {
  public let time: Timestamp
  /// CLOCK_BOOTTIME.
  public let boottimeNanoseconds: UInt64

  public init(time: Timestamp, boottimeNanoseconds: UInt64) {
    self.time = time
    self.boottimeNanoseconds = boottimeNanoseconds
  }

  /// Reads both clocks, one right after the other.
  public static func now() -> Moment {
    var wall = timespec()
    var boot = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    clock_gettime(CLOCK_BOOTTIME, &boot)
    return Moment(
      time: Timestamp(microseconds: Int64(wall.tv_sec) * 1_000_000 + Int64(wall.tv_nsec) / 1000),
      boottimeNanoseconds: UInt64(boot.tv_sec) * 1_000_000_000 + UInt64(boot.tv_nsec))
  }
}

extension Duration {
  /// Cut to whole microseconds.
  public var wholeMicroseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
  /// As a number, for metrics and messages.
  public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

// RFC 3339 in UTC with six digits, `2026-11-23T08:31:02.123456Z`: the one form of a time in an event.
extension Timestamp: CustomStringConvertible {
  /// Reads RFC 3339 in UTC; nil for anything else.
  ///
  /// The fraction of a second has up to six digits or is absent; second 60 is the next minute's first moment.
  public init?(_ text: String) {
    var text = text
    let read = text.withUTF8 { Timestamp(bytes: $0) }
    guard let read else { return nil }
    self = read
  }

  init?(bytes b: UnsafeBufferPointer<UInt8>) {
    guard b.count >= 20, b.count <= 27, b[4] == 0x2D, b[7] == 0x2D, b[10] == 0x54, b[13] == 0x3A, b[16] == 0x3A,
      b[b.count - 1] == 0x5A
    else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for index in range {
        let digit = b[index]
        guard digit >= 0x30, digit <= 0x39 else { return nil }
        value = value * 10 + Int(digit - 0x30)
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month),
      (1...daysIn(month: month, year: year)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var fraction = 0
    if b.count > 20 {
      guard b[19] == 0x2E, b.count > 21, let digits = number(20..<(b.count - 1)) else { return nil }
      fraction = digits
      for _ in 0..<(27 - b.count) { fraction *= 10 }
    }
    let days = Int64(daysSinceEpoch(year: year, month: month, day: day))
    let seconds = days * 86400 + Int64(hour * 3600 + minute * 60 + second)
    self.init(microseconds: seconds * 1_000_000 + Int64(fraction))
  }

  public var description: String { String(decoding: utf8, as: UTF8.self) }

  /// The 27 bytes of the text form; years outside 0 to 9999 are not written right.
  var utf8: [UInt8] {
    let (seconds, fraction) = divide(microseconds, by: 1_000_000)
    let (days, inDay) = divide(seconds, by: 86400)
    let (year, month, day) = civil(daysSinceEpoch: Int(days))
    var text: [UInt8] = []
    text.reserveCapacity(27)
    func append(_ value: Int, width: Int) {
      var divisor = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        text.append(UInt8(0x30 + (value / divisor) % 10))
        divisor /= 10
      }
    }
    append(year, width: 4)
    text.append(0x2D)
    append(month, width: 2)
    text.append(0x2D)
    append(day, width: 2)
    text.append(0x54)
    append(Int(inDay) / 3600, width: 2)
    text.append(0x3A)
    append(Int(inDay) / 60 % 60, width: 2)
    text.append(0x3A)
    append(Int(inDay) % 60, width: 2)
    text.append(0x2E)
    append(Int(fraction), width: 6)
    text.append(0x5A)
    return text
  }
}

/// Division that rounds down, so that times before 1970 work.
private func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
  let remainder = value % divisor
  return remainder < 0 ? (value / divisor - 1, remainder + divisor) : (value / divisor, remainder)
}

private func daysIn(month: Int, year: Int) -> Int {
  switch month {
  case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin on 1 March.
private func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
  let shifted = month <= 2 ? year - 1 : year
  let era = (shifted >= 0 ? shifted : shifted - 399) / 400
  let yearOfEra = shifted - era * 400
  let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

private func civil(daysSinceEpoch days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}
