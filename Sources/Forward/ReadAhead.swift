import Events

/// What is read of a backlog while the batch before it is on its way; given only to the very next question for it.
struct ReadAhead: Sendable {
  private var last: ReadRequest?
  private var kept: (request: ReadRequest, answer: ReadAnswer)?

  /// The answer to `request`, if it was read ahead, in full or a part of it; nil, and nothing is kept any more, where
  /// something else is asked for.
  mutating func answer(to request: ReadRequest) -> ReadAnswer? {
    defer { kept = nil }
    last = request
    guard let kept, kept.request.isPart(of: request) else { return nil }
    return kept.answer
  }

  /// What will be asked for once `batch` is delivered; nil where less than a whole batch stands behind it: that is
  /// waited for in its time.
  func request(behind batch: Batch) -> ReadRequest? {
    guard let last, !last.isResend, last.incarnation == batch.incarnation, let waiting = batch.waiting,
      waiting >= UInt64(last.lines)
    else { return nil }
    return ReadRequest(
      incarnation: batch.incarnation, after: batch.last, lines: last.lines, bytes: last.bytes, wait: .zero)
  }

  mutating func keep(_ answer: ReadAnswer, for request: ReadRequest) { kept = (request, answer) }

  /// What was read may be read otherwise from now on.
  mutating func forget() { kept = nil }
}

extension ReadRequest {
  /// Whether what answers this one answers `other` as well: batches that grow are read ahead at the size before.
  fileprivate func isPart(of other: ReadRequest) -> Bool {
    incarnation == other.incarnation && after == other.after && isResend == other.isResend && wait == other.wait
      && lines <= other.lines && bytes <= other.bytes
  }
}
