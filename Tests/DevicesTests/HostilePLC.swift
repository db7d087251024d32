import Foundation
import Glibc
import Machine

@testable import Devices

/// Many Modbus devices that answer wrongly every so often, each the unit of its number.
///
/// They are on one port of loopback, device `k` at 127.0.1.k, or on serial lines, two a line.
/// What each does follows from the seed alone, whatever the order of the connections. An honest answer bears a number
/// that no other answer bears, and its table's name; what a hostile one bears is never right: numbers from
/// 0x8000_0000 up, or of answers that were given before.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class HostilePLC: @unchecked Sendable {
  /// What has happened so far.
  struct Account {
    /// By the name of the hostile answer.
    var sent: [String: Int] = [:]
    /// What they must be counted as.
    var faults: [String: Int] = [:]
    /// The numbers of the honest answers, by device.
    var honest: [Int: Set<UInt32>] = [:]
    /// After how many bytes connections were reset and ended.
    var cuts: [String: Set<Int>] = [:]
    /// Questions on a connection that a hostile answer had spoilt.
    var askedAfterFault = 0
    var total: Int { sent.values.reduce(0, +) }
  }

  /// How long the devices of these tests wait for an answer.
  static let timeout: Duration = .milliseconds(250)

  /// Where it listens; 0 with serial lines.
  let port: Int
  let framing: ModbusFraming
  /// The lines' paths: units 1 and 2 are on the first, 3 and 4 on the second.
  let paths: [String]
  private let terminals: [PseudoTerminal]
  private let listener: Int32
  private let lock = NSLock()
  private var state = Account()
  private var left: Int
  private var isStopped = false

  private struct Connection {
    let descriptor: Int32
    let isSocket: Bool
    var received: [UInt8] = []
    var isSpoilt = false
    var drips: ArraySlice<UInt8> = []
    var nextDrip = ContinuousClock.now
    /// An answer that comes late, and who was asked.
    var late: (bytes: [UInt8], device: Int, due: ContinuousClock.Instant)?
  }

  /// One device over all of its connections.
  private struct Device {
    var random: SplitMix
    var number: UInt32 = 0
    /// Honest answers before the next hostile one.
    var patience: Int
  }

  /// Gives `budget` hostile answers altogether over TCP, and is honest from then on.
  init(seed: UInt64, budget: Int, framing: ModbusFraming = .tcp) throws {
    left = budget
    self.framing = framing
    (paths, terminals) = ([], [])
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) != 0 || listen(descriptor, 1024) != 0 || getsockname(descriptor, $0, &length) != 0
      }
    }
    guard !failed else { throw SystemFailure(doing: "listening for a test") }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in serve(seed) }
  }

  /// The same on so many serial lines.
  init(seed: UInt64, budget: Int, lines: Int) throws {
    left = budget
    framing = .rtu
    port = 0
    listener = -1
    terminals = try (0..<lines).map { _ in try PseudoTerminal() }
    paths = terminals.map(\.path)
    Thread.detachNewThread { [self] in serve(seed) }
  }

  /// Closes all connections; the thread ends.
  func stop() {
    lock.withLock { isStopped = true }
    if listener >= 0 { shutdown(listener, Int32(SHUT_RDWR)) }
  }

  var account: Account { lock.withLock { state } }
  var isSpent: Bool { lock.withLock { left == 0 } }

  /// Whether an honest answer of the device bore the number.
  func isHonest(_ number: UInt32, of device: Int) -> Bool {
    lock.withLock { state.honest[device]?.contains(number) == true }
  }

  private func serve(_ seed: UInt64) {
    var connections = terminals.map { Connection(descriptor: $0.control, isSocket: false) }
    var devices: [Int: Device] = [:]
    defer {
      for connection in connections where connection.isSocket { close(connection.descriptor) }
      if listener >= 0 { close(listener) }
    }
    while !lock.withLock({ isStopped }) {
      var entries = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      entries += connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      let isBusy = connections.contains { !$0.drips.isEmpty || $0.late != nil }
      _ = retrying { poll(&entries, nfds_t(entries.count), isBusy ? 5 : 100) }
      var kept: [Connection] = []
      for (place, entry) in entries.dropFirst().enumerated() {
        var connection = connections[place]
        sendLate(&connection)
        var isOpen = true
        if entry.revents & Int16(POLLIN) != 0 || connection.isSocket && entry.revents != 0 {
          isOpen = take(&connection, &devices, seed)
        }
        if isOpen { kept.append(connection) } else { close(connection.descriptor) }
      }
      connections = kept
      if entries[0].revents & Int16(POLLIN) != 0 {
        let descriptor = retrying { accept(listener, nil, nil) }
        if descriptor >= 0 { connections.append(Connection(descriptor: descriptor, isSocket: true)) }
      }
    }
  }

  /// Takes what came; false: the connection is over.
  private func take(_ connection: inout Connection, _ devices: inout [Int: Device], _ seed: UInt64) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 512)
    let descriptor = connection.descriptor
    let count = retrying {
      connection.isSocket ? recv(descriptor, &buffer, 512, Int32(MSG_DONTWAIT)) : read(descriptor, &buffer, 512)
    }
    // Nobody has the line open now.
    guard connection.isSocket || count > 0 else { return true }
    guard count > 0 else { return count < 0 && errno == EAGAIN }
    connection.received += buffer[..<count]
    let length = framing == .tcp ? 12 : 8
    while connection.received.count >= length {
      let question = Array(connection.received[..<length])
      connection.received.removeFirst(length)
      if connection.isSpoilt { lock.withLock { state.askedAfterFault += 1 } }
      let number = Int(question[framing == .tcp ? 6 : 0])
      if connection.late?.device == number { connection.late = nil }
      let new = Device(random: SplitMix(seed: seed &+ UInt64(number) &* 7919), patience: 1 + number % 3)
      guard answer(question, of: number, on: &connection, &devices[number, default: new]) else { return false }
    }
    return true
  }

  private func answer(
    _ question: [UInt8], of number: Int, on connection: inout Connection, _ device: inout Device
  ) -> Bool {
    device.patience -= 1
    let isHostile = device.patience < 0 && lock.withLock { left > 0 }
    device.number += 1
    let asked = framing == .tcp ? question : [0, 0, 0, 0, 0, 6] + question[..<6]
    let honest = Self.frame(asked, device.number, number, isRight: true)
    lock.withLock {
      // One that comes with something wrong may be taken as it is where that comes later.
      if !isHostile || framing == .rtu { _ = state.honest[number, default: []].insert(device.number) }
    }
    guard isHostile else {
      return send(framing == .tcp ? honest : TestRTULine.framed(Array(honest[6...])), to: connection)
    }
    device.patience = 1 + number % 3
    let wild = 0x8000_8000 | UInt32.random(in: 0...UInt32.max, using: &device.random)
    // An answer of another table that was never given, and one of this table with an old number.
    var elsewhere = asked
    elsewhere[7] = asked[7] == 3 ? 4 : 3
    elsewhere[11] = asked[7] == 3 ? 4 : 3
    let wrong = Self.frame(asked, wild, number, isRight: false)
    let late = Self.frame(elsewhere, device.number, number, isRight: true)
    let (name, made) =
      framing == .tcp
      ? Self.drawn(wrong, late, Self.frame(asked, max(1, device.number - 1), number, isRight: true), &device.random)
      : Self.drawn(question, wrong, honest, late, &device.random)
    connection.isSpoilt = connection.isSocket
    lock.withLock {
      left -= 1
      state.sent[name, default: 0] += 1
      state.faults[made.fault, default: 0] += 1
      if let cut = made.cut { state.cuts[name, default: []].insert(cut) }
    }
    return deliver(made.delivery, of: number, over: &connection)
  }

  private static func drawn(
    _ wrong: [UInt8], _ late: [UInt8], _ other: [UInt8], _ random: inout SplitMix
  ) -> (String, HostileAnswer.Made) {
    let kind = HostileAnswer.allCases[Int(random.next() % UInt64(HostileAnswer.allCases.count))]
    return ("\(kind)", kind.made(wrong, late: late, other: other, &random))
  }

  /// The same without the head of Modbus TCP.
  private static func drawn(
    _ question: [UInt8], _ wrong: [UInt8], _ honest: [UInt8], _ late: [UInt8], _ random: inout SplitMix
  ) -> (String, HostileAnswer.Made) {
    let kind = HostileFrame.allCases[Int(random.next() % UInt64(HostileFrame.allCases.count))]
    let made = kind.made(
      question, wrong: Array(wrong[6...]), honest: Array(honest[6...]), late: Array(late[6...]), &random)
    return ("\(kind)", made)
  }

  /// False: the connection is over.
  private func deliver(_ delivery: HostileAnswer.Delivery, of device: Int, over connection: inout Connection) -> Bool {
    switch delivery {
    case .send(let bytes): return send(bytes, to: connection)
    case .drip(let bytes):
      connection.drips = bytes[...]
      return true
    case .late(let bytes):
      connection.late = (bytes, device, ContinuousClock.now + Self.timeout * 1.3)
      return true
    case .cut(let bytes, let isReset):
      _ = send(bytes, to: connection)
      guard isReset else { return false }
      var lingering = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        connection.descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
      return false
    }
  }

  /// What is due of an answer that is late or drips: a byte so long after the one before that the shortest answer, of 8
  /// bytes in RTU, takes longer than a device of these tests waits.
  private func sendLate(_ connection: inout Connection) {
    let now = ContinuousClock.now
    if let late = connection.late, now >= late.due {
      _ = send(late.bytes, to: connection)
      connection.late = nil
    }
    guard !connection.drips.isEmpty, now >= connection.nextDrip else { return }
    _ = send([connection.drips.removeFirst()], to: connection)
    connection.nextDrip = now + .milliseconds(framing == .tcp ? 30 : 40)
  }

  private func send(_ bytes: [UInt8], to connection: Connection) -> Bool {
    guard !bytes.isEmpty else { return true }
    guard connection.isSocket else { return write(connection.descriptor, bytes, bytes.count) == bytes.count }
    return Glibc.send(connection.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// The answer to a question: of registers the number in the first two and the name in the others, of coils a pattern.
  static func frame(_ question: [UInt8], _ number: UInt32, _ device: Int, isRight: Bool) -> [UInt8] {
    let (function, count) = (question[7], Int(question[10]) << 8 | Int(question[11]))
    var data: [UInt8]
    if function < 3 {
      data = (0..<((count + 7) / 8)).map { _ in isRight ? 0b1010_1010 : 0b0101_0101 }
    } else {
      let name = Self.name(function, device)
      let words = [UInt16(number >> 16), UInt16(truncatingIfNeeded: number)] + Array(repeating: name, count: count - 2)
      data = words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
      if !isRight { for place in data.indices where place % 2 == 0 { data[place] |= 0x80 } }
    }
    let length = 3 + data.count
    let head = [UInt8(length >> 8), UInt8(truncatingIfNeeded: length), question[6], function, UInt8(data.count)]
    return question[..<4] + head + data
  }

  /// What the registers behind the number show: the table and the device.
  static func name(_ function: UInt8, _ device: Int) -> UInt16 { UInt16(function) << 8 | UInt16(device) }
}
