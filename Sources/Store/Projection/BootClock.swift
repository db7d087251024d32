import Events

/// What the wall clock of a line PC was worth during one boot, and which times its events have in truth.
///
/// Wall time and boot time keep their distance while nobody sets the clock: a time source that only slews the clock slews
/// both. So each statement (a start of the daemon, a step or a change of sync state) holds until the next one, and what
/// was stamped in a span that no time source vouched for is put right by the distance that one vouched for in the same
/// boot: the last before it, or else the first after it. What was synchronised stays as it was stamped.
struct BootClock: Sendable, Hashable {
  /// What an event said of the clock.
  struct Statement: Sendable, Hashable {
    /// CLOCK_BOOTTIME in microseconds.
    let boottime: Int64
    /// Wall time less boot time, in microseconds.
    let distance: Int64
    let isSynchronised: Bool

    init(_ moment: Moment, isSynchronised: Bool) {
      boottime = moment.boottimeMicroseconds
      distance = moment.distance
      self.isSynchronised = isSynchronised
    }
  }

  let statements: [Statement]
  /// Some time source vouched for the clock in this boot.
  let isKnown: Bool
  /// The distance that holds in truth in the span of each statement; nil where times stay as they were stamped.
  let truths: [Int64?]
  /// Nothing is put right in this boot.
  let isPlain: Bool

  /// What is less is no step: the edge tells of none, and two clocks that are read one after the other differ a little.
  static let step: Int64 = 500_000
  /// A step is noticed at most so long after it, in microseconds: the edge looks each second, where the disk lets it.
  static let notice: Int64 = 60_000_000

  /// `statements` in the order of boot time.
  init(_ statements: [Statement]) {
    self.statements = statements
    isKnown = statements.contains(where: \.isSynchronised)
    truths = Self.truths(statements)
    isPlain = truths.allSatisfy { $0 == nil }
  }

  private static func truths(_ statements: [Statement]) -> [Int64?] {
    var vouched = statements.first(where: \.isSynchronised)?.distance
    return statements.map { statement in
      if statement.isSynchronised {
        vouched = statement.distance
        return nil
      }
      guard let vouched, isStep(vouched, statement.distance) else { return nil }
      return vouched
    }
  }

  static func isStep(_ a: Int64, _ b: Int64) -> Bool { abs(a - b) > step }

  /// When a moment of this boot was; its own time where nothing says otherwise.
  func time(of moment: Moment) -> Timestamp {
    guard !isPlain, let truth = truths[span(of: moment)] else { return moment.time }
    return Self.believable(moment.boottimeMicroseconds + truth) ?? moment.time
  }

  /// The statement that a moment belongs to: the last before it, or the next one where its time has that one's distance.
  private func span(of moment: Moment) -> Int {
    let boottime = moment.boottimeMicroseconds
    let last = statements.lastIndex { $0.boottime <= boottime } ?? 0
    guard last + 1 < statements.count else { return last }
    let (here, next) = (statements[last], statements[last + 1])
    let isBeyondStep =
      next.boottime - boottime <= Self.notice && Self.isStep(here.distance, next.distance)
      && Self.isStep(moment.distance, here.distance) && !Self.isStep(moment.distance, next.distance)
    return isBeyondStep ? last + 1 : last
  }

  /// When a wall time was that an event tells of which was made at this boot time; nil where it is not of this boot.
  func time(of told: Timestamp, toldAt boottime: Int64) -> Timestamp? {
    for index in statements.indices.reversed() where statements[index].boottime <= boottime {
      let statement = statements[index]
      let then = told.microseconds - statement.distance
      let end = index + 1 < statements.count ? min(statements[index + 1].boottime, boottime) : boottime
      guard then >= statement.boottime - Self.notice, then <= end + 2_000_000 else { continue }
      guard let truth = truths[index] else { return told }
      return Self.believable(then + truth) ?? told
    }
    return nil
  }

  /// Only what can be written as a time: a line PC may say anything of its clock.
  private static func believable(_ microseconds: Int64) -> Timestamp? {
    (0..<253_402_300_800_000_000).contains(microseconds) ? Timestamp(microseconds: microseconds) : nil
  }
}

extension Moment {
  var boottimeMicroseconds: Int64 { Int64(boottimeNanoseconds / 1000) }
  var distance: Int64 { time.microseconds - boottimeMicroseconds }
}

extension Envelope {
  var moment: Moment { Moment(time: time, boottimeNanoseconds: boottimeNanoseconds) }
}
