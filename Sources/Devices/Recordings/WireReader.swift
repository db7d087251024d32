internal import Events

/// Pairs the questions and answers of a recorded bus, and judges each answer as the line did then.
struct WireReader: Sendable {
  /// What an entry ended.
  enum Event: Sendable, Hashable {
    case answered(RecordedRequest, Answer)
    /// No right answer came to a request (nil: bytes came, or went, that belong to none), and why.
    case fault(RecordedRequest?, String)
    case note(String)
  }

  private let framing: ModbusFraming
  private let isSerial: Bool
  private var open: (request: RecordedRequest, sent: Moment, received: [UInt8])?
  private var overdue = OverdueQuestions()
  /// After a fault the line is not listened to before the next question; nor where a recording begins in the middle of
  /// an answer.
  private var isSpoilt = true
  private var lastFault: (text: String, request: RecordedRequest?)?

  init(framing: ModbusFraming, isSerial: Bool) { (self.framing, self.isSerial) = (framing, isSerial) }

  mutating func take(_ entry: WireEntry) -> [Event] {
    switch entry.kind {
    case .sent(let bytes): sent(bytes, at: entry.moment)
    case .received(let bytes, _): received(bytes)
    case .note(let text): noted(text)
    case .ended(let text): [.note("the recording ends: \(text)")]
    }
  }

  private mutating func sent(_ bytes: [UInt8], at moment: Moment) -> [Event] {
    var events: [Event] = []
    if let (request, sent, received) = open {
      let waited = Duration.nanoseconds(
        Int64(clamping: moment.boottimeNanoseconds) - Int64(clamping: sent.boottimeNanoseconds))
      leave(request)
      let fault = LineFault.timeout(waited, received: received.count)
      events.append(.fault(request, "\(fault), and the next request was sent"))
    }
    (isSpoilt, lastFault) = (false, nil)
    guard let request = RecordedRequest(bytes, framing: framing) else {
      return events + [.fault(nil, "a request that is none of Lotline's: \(hex(bytes))")]
    }
    open = (request, moment, [])
    return events
  }

  private mutating func received(_ bytes: [UInt8]) -> [Event] {
    guard !isSpoilt else { return [] }
    guard let (request, sent, before) = open else {
      return fault(nil, LineFault.leftover(bytes.count).description)
    }
    var received = before + bytes
    if isSerial, !overdue.isEmpty, overdue.isLate(&received, beside: request.unit) {
      open = (request, sent, received)
      return []
    }
    do throws(LineFault) {
      guard let answer = try request.answer(in: received) else {
        open = (request, sent, received)
        return []
      }
      open = nil
      return [.answered(request, answer)]
    } catch {
      open = nil
      return fault(request, error.description)
    }
  }

  /// What was noted at the time: why the answer under way was given up, or something of the connection.
  private mutating func noted(_ text: String) -> [Event] {
    if let (request, _, _) = open {
      leave(request)
      return fault(request, text)
    }
    if lastFault?.text == text { return [] }
    isSpoilt = false
    return [.note(text)]
  }

  private mutating func leave(_ request: RecordedRequest) {
    open = nil
    if isSerial, case .read(let exchange, _, _) = request.kind { overdue.note(exchange) }
  }

  private mutating func fault(_ request: RecordedRequest?, _ text: String) -> [Event] {
    isSpoilt = true
    lastFault = (text, request)
    return [.fault(request, text)]
  }
}
