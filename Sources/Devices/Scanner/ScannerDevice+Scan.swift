internal import Events
internal import Logging

// What a scanner says: each frame on disk before it is answered, the rest told as it can be.
extension ScannerDevice {
  /// What a frame is answered with.
  enum Answer {
    case accepted, refused
    /// The sign of life of a tag that is there already: nobody waits for an answer.
    case none
  }

  /// Hands a frame over, and says what is to be answered.
  func hand(over frame: FrameReader.Frame) async -> Answer {
    var scan = map.scan(of: frame, device: name)
    if scan.problem == nil, watch.seesGarbage, scan.roles.isEmpty, !map.codes.isEmpty {
      // Of random bytes one frame in hundreds reads as text: each would end the finding, to begin it anew.
      scan.text = nil
      scan.problem = "no rule of the map knows it, and the line gives nothing but garbage"
    }
    if let problem = scan.problem {
      // What became text came over the line well: only its code is wrong.
      if scan.text == nil { tell(watch.unusable(frame.raw, lineErrors: frame.lineErrors, at: frame.moment)) }
      count(frame.damage == nil ? "unreadable" : "damaged")
      guard evidence.keeps(frame.raw, problem, at: frame.moment) else { return .refused }
    } else {
      tell(watch.valid(at: frame.moment))
      tellFolded(at: frame.moment, isOver: true)
      await flush()
      if presence?.hear(frame.raw, at: frame.moment) == false { return .none }
    }
    let acceptance = await sink(.scan(scan))
    switch acceptance {
    case .accepted where scan.problem == nil:
      note { status in
        status.good += 1
        status.lastGood = scan.moment.time
      }
      return .accepted
    case .accepted, .unusable:
      tellUnusable(scan, acceptance)
    case .refused(let reason):
      count("refused")
      presence?.forget(frame.raw)
      if scanLog.isDue(reason) { logger.error("scanner \(name): a scan was not kept: \(reason): scan again") }
      if map.acknowledge.refused.isEmpty { rememberLost(scan, reason) }
    }
    return .refused
  }

  private func tellUnusable(_ scan: Scan, _ acceptance: Acceptance) {
    var why = scan.problem ?? ""
    if case .unusable(let reason) = acceptance { why = reason }
    if scan.problem == nil { count(scan.isNoRead ? "no-read" : "unusable") }
    if scanLog.isDue(why) {
      logger.warning("scanner \(name): a scan was kept that cannot be used: \(why): scan again")
    }
  }

  /// Where the operator hears no refusal, nobody else will tell of the lost scan.
  private func rememberLost(_ scan: Scan, _ reason: String) {
    let time = scan.moment.time
    lost = Hole(
      device: name, moment: scan.moment, kind: .unreadableScan, from: lost?.from ?? time, to: time,
      count: (lost?.count ?? 0) + 1, reason: lost?.reason ?? "not kept: \(reason)")
  }

  func answer(_ answer: Answer, to link: borrowing ScannerLink) {
    let bytes: [UInt8] =
      switch answer {
      case .accepted: map.acknowledge.accepted
      case .refused: map.acknowledge.refused
      case .none: []
      }
    guard !bytes.isEmpty else { return }
    tap.take(.sent(bytes))
    guard let reason = link.send(bytes) else { return }
    count("unanswered")
    if answerLog.isDue(reason) {
      logger.warning("scanner \(name): the answer to a scan could not be written to \(place): \(reason)")
    }
  }

  // MARK: What is told beside the scans

  /// Tells of the tags that have left the reader.
  func tellLeft(at moment: Moment, all: Bool) async {
    guard let left = all ? presence?.leave() : presence?.left(at: moment.boottimeNanoseconds) else { return }
    for tag in left {
      let scan = map.leaving(of: tag, device: name)
      if outbox.reports.count < PendingReports.limit { outbox.add(.scan(scan)) }
    }
    if !left.isEmpty { await flush() }
  }

  func tell(_ signs: [ScanWatch.Sign]) {
    for sign in signs where outbox.reports.count < PendingReports.limit {
      outbox.add(
        .finding(
          Finding(
            device: name, moment: .now(), kind: sign.kind, from: sign.from, to: sign.to, count: sign.count,
            reason: sign.reason)))
      if sign.to == nil { logger.warning("scanner \(name): \(sign.reason)") }
    }
  }

  /// Tells of frames that could not be used and were counted alone.
  func tellFolded(at moment: Moment, isOver: Bool) {
    guard let folded = evidence.due(at: moment.boottimeNanoseconds, isOver: isOver) else { return }
    outbox.add(
      .hole(
        Hole(
          device: name, moment: moment, kind: .unreadableScan, from: folded.from.time, to: folded.to.time,
          count: folded.count,
          reason: "\(folded.bytes) bytes that were not kept one by one, after the first \(Evidence.most) frames that "
            + "could not be used; the last: \(folded.problem)")))
  }

  /// What only time shows.
  func lookAround(at moment: Moment) {
    tell(watch.check(at: moment))
    tellFolded(at: moment, isOver: false)
  }

  /// Reports what waits, in order, up to the first that is refused.
  func flush() async {
    while let report = outbox.first {
      if case .refused = await sink(report) { return }
      outbox.removeFirst()
    }
    guard let lost else { return }
    if case .refused = await sink(.hole(lost)) { return }
    self.lost = nil
  }
}

extension ScannerMap {
  /// The scan that a frame is; a damaged one has no text and no roles.
  func scan(of frame: FrameReader.Frame, device: String) -> Scan {
    let meaning = frame.damage.map { Meaning(problem: $0) } ?? read(frame: frame.raw)
    var scan = Scan(
      device: device, moment: frame.moment, raw: frame.raw, text: meaning.text, symbology: meaning.symbology,
      elements: meaning.elements, roles: meaning.roles, problem: meaning.problem)
    scan.repeatWithin = repeatWithin
    if refusesUnknown, meaning.roles.isEmpty, meaning.problem == nil { scan.refusal = "no rule of the map knows it" }
    return scan
  }

  /// A tag that was scanned when it came has left its reader.
  func leaving(of tag: TagPresence.Tag, device: String) -> Scan {
    var scan = scan(of: FrameReader.Frame(raw: tag.raw, moment: tag.last, damage: nil), device: device)
    scan.roles = []
    scan.refusal = nil
    scan.leaving = ScanData.Leaving(since: tag.first.time, frames: tag.frames)
    return scan
  }
}
