import Events

/// An event with all that its rows need, read from its line before the transaction that stores them.
///
/// One connection writes; what can be made ready beside it costs no event its turn. A class, since it is handed on from step
/// to step, and each copy of so many texts would count the holders of each.
final class ReadEvent: Sendable {
  let envelope: Envelope
  /// As the store keeps them.
  let type: String
  let subject: String
  let content: EventContent
  /// The units, lots and operators that it names.
  let names: [NodeName]

  init(_ envelope: Envelope, _ line: [UInt8]) {
    self.envelope = envelope
    type = envelope.type.storable
    subject = envelope.subject.storable
    content = EventContent(envelope, line)
    names = content.names
  }
}
