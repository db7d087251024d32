internal import Events

/// A day that a code names with two digits of the year.
struct CodeDate: Sendable, Hashable {
  let year: Int
  let month: Int
  /// 0: the last day of the month.
  let day: Int

  /// Reads `YYMMDD`, taking the century by the rule of GS1 General Specifications, section 7.12: a year 51 to 99 above
  /// that of `now` is of the last century, one 50 to 99 below it of the next.
  ///
  /// Nil where there is no such day; day 00 is one only if it is allowed.
  init?(_ digits: some Collection<UInt8>, now: Int, allowsDay0: Bool) {
    guard digits.count == 6, let number = decimal(digits) else { return nil }
    self.init(
      year: Self.year(number / 10_000, now: now), month: number / 100 % 100, day: number % 100, allowsDay0: allowsDay0)
  }

  /// Nil where there is no such day.
  init?(year: Int, month: Int, day: Int, allowsDay0: Bool = false) {
    guard (1...12).contains(month), day <= Self.lastDay(year: year, month: month), day > 0 || (day == 0 && allowsDay0)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  /// The year that two digits mean in the year `now`.
  static func year(_ twoDigits: Int, now: Int) -> Int {
    let century = now - now % 100
    let difference = twoDigits - now % 100
    if difference >= 51 { return century - 100 + twoDigits }
    if difference <= -50 { return century + 100 + twoDigits }
    return century + twoDigits
  }

  static func lastDay(year: Int, month: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// `2027-11-30`; the last day where the code says 00.
  var words: String {
    "\(year)-\(two(month))-\(two(day == 0 ? Self.lastDay(year: year, month: month) : day))"
      + (day == 0 ? ", the month's last day" : "")
  }
}

/// Two digits.
func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

/// The number that up to 18 digits write; nil for anything else.
func decimal(_ digits: some Collection<UInt8>) -> Int? {
  guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy(isDigit) else { return nil }
  return digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
}
