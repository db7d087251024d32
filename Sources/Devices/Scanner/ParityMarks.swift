/// Takes apart what the system puts between bytes where parity is checked (`PARMRK`, termios(3)).
///
/// `FF 00 n` is the byte n with a parity or framing error, `FF FF` is the byte FF.
struct ParityMarks: Sendable {
  private var state = State.plain
  /// Whether the line is set so that the system marks errors.
  let isMarked: Bool

  private enum State { case plain, escaped, error }

  struct Received: Sendable, Hashable {
    let byte: UInt8
    let isDamaged: Bool
  }

  init(isMarked: Bool) { self.isMarked = isMarked }

  /// The bytes as they came over the line; a mark may be split over two reads.
  mutating func decode(_ bytes: [UInt8]) -> [Received] {
    guard isMarked else { return bytes.map { Received(byte: $0, isDamaged: false) } }
    var received: [Received] = []
    received.reserveCapacity(bytes.count)
    for byte in bytes {
      switch (state, byte) {
      case (.plain, 0xFF): state = .escaped
      case (.plain, _): received.append(Received(byte: byte, isDamaged: false))
      case (.escaped, 0x00): state = .error
      case (.escaped, 0xFF):
        received.append(Received(byte: 0xFF, isDamaged: false))
        state = .plain
      case (.escaped, _):  // no mark that the system makes: kept, and not taken for good
        received.append(Received(byte: 0xFF, isDamaged: true))
        received.append(Received(byte: byte, isDamaged: true))
        state = .plain
      case (.error, _):
        received.append(Received(byte: byte, isDamaged: true))
        state = .plain
      }
    }
    return received
  }
}
