import Foundation
import Glibc
import Machine

/// Many Modbus devices on one port of loopback, device `k` at 127.0.1.k, that answer wrongly every so often.
///
/// What each does follows from the seed alone, whatever the order of the connections. An honest answer bears a number
/// that no other answer bears, and its table's name; what a hostile one bears is never right: numbers from
/// 0x8000_0000 up, or of answers that were given before.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class HostilePLC: @unchecked Sendable {
  /// What has happened so far.
  struct Account {
    var sent: [HostileAnswer: Int] = [:]
    /// What they must be counted as.
    var faults: [String: Int] = [:]
    /// The numbers of the honest answers, by device.
    var honest: [Int: Set<UInt32>] = [:]
    /// After how many bytes connections were reset and ended.
    var cuts: [HostileAnswer: Set<Int>] = [:]
    /// Questions on a connection that a hostile answer had spoilt.
    var askedAfterFault = 0
    var total: Int { sent.values.reduce(0, +) }
  }

  let port: Int
  private let listener: Int32
  private let lock = NSLock()
  private var state = Account()
  private var left: Int
  private var isStopped = false

  private struct Connection {
    let descriptor: Int32
    let device: Int
    var received: [UInt8] = []
    /// Honest answers before the next hostile one.
    var patience: Int
    var isSpoilt = false
    var drips: ArraySlice<UInt8> = []
    var nextDrip = ContinuousClock.now
  }

  /// One device over all of its connections.
  private struct Device {
    var random: SplitMix
    var number: UInt32 = 0
  }

  /// Gives `budget` hostile answers altogether, and is honest from then on.
  init(seed: UInt64, budget: Int) throws {
    left = budget
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

  /// Closes all connections; the thread ends.
  func stop() {
    lock.withLock { isStopped = true }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  var account: Account { lock.withLock { state } }
  var isSpent: Bool { lock.withLock { left == 0 } }

  /// Whether an honest answer of the device bore the number.
  func isHonest(_ number: UInt32, of device: Int) -> Bool {
    lock.withLock { state.honest[device]?.contains(number) == true }
  }

  private func serve(_ seed: UInt64) {
    var connections: [Connection] = []
    var devices: [Int: Device] = [:]
    defer {
      for connection in connections { close(connection.descriptor) }
      close(listener)
    }
    while !lock.withLock({ isStopped }) {
      var entries = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      entries += connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      let isDripping = connections.contains { !$0.drips.isEmpty }
      _ = retrying { poll(&entries, nfds_t(entries.count), isDripping ? 5 : 100) }
      var kept: [Connection] = []
      for (place, entry) in entries.dropFirst().enumerated() {
        var connection = connections[place]
        drip(&connection)
        var isOpen = true
        if entry.revents != 0 {
          isOpen = take(&connection, &devices[connection.device, default: Device(random: SplitMix(seed: seed))])
        }
        if isOpen { kept.append(connection) } else { close(connection.descriptor) }
      }
      connections = kept
      if entries[0].revents & Int16(POLLIN) != 0, let new = accepted() {
        if devices[new.device] == nil {
          devices[new.device] = Device(random: SplitMix(seed: seed &+ UInt64(new.device) &* 7919))
        }
        connections.append(new)
      }
    }
  }

  private func accepted() -> Connection? {
    let descriptor = retrying { accept(listener, nil, nil) }
    guard descriptor >= 0 else { return nil }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    let device = Int(UInt32(bigEndian: address.sin_addr.s_addr) & 0xFF)
    return Connection(descriptor: descriptor, device: device, patience: 1 + device % 3)
  }

  /// Takes what came; false: the connection is over.
  private func take(_ connection: inout Connection, _ device: inout Device) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = retrying { recv(connection.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) }
    guard count > 0 else { return count < 0 && errno == EAGAIN }
    connection.received += buffer[..<count]
    while connection.received.count >= 12 {
      let question = Array(connection.received[..<12])
      connection.received.removeFirst(12)
      if connection.isSpoilt { lock.withLock { state.askedAfterFault += 1 } }
      guard answer(question, on: &connection, &device) else { return false }
    }
    return true
  }

  private func answer(_ question: [UInt8], on connection: inout Connection, _ device: inout Device) -> Bool {
    connection.patience -= 1
    let isHostile = connection.patience < 0 && lock.withLock { left > 0 }
    device.number += 1
    guard isHostile else {
      let number = device.number
      lock.withLock { _ = state.honest[connection.device, default: []].insert(number) }
      return send(Self.frame(question, number, connection.device, isRight: true), to: connection)
    }
    let kind = HostileAnswer.allCases[Int(device.random.next() % UInt64(HostileAnswer.allCases.count))]
    let wild = 0x8000_8000 | UInt32.random(in: 0...UInt32.max, using: &device.random)
    // An answer of another table that was never given, and one of this table with an old number.
    var elsewhere = question
    elsewhere[7] = question[7] == 3 ? 4 : 3
    elsewhere[11] = question[7] == 3 ? 4 : 3
    let made = kind.made(
      Self.frame(question, wild, connection.device, isRight: false),
      late: Self.frame(elsewhere, device.number, connection.device, isRight: true),
      other: Self.frame(question, max(1, device.number - 1), connection.device, isRight: true), &device.random)
    connection.isSpoilt = true
    lock.withLock {
      left -= 1
      state.sent[kind, default: 0] += 1
      state.faults[made.fault, default: 0] += 1
      if let cut = made.cut { state.cuts[kind, default: []].insert(cut) }
    }
    switch made.delivery {
    case .send(let bytes): return send(bytes, to: connection)
    case .drip(let bytes):
      connection.drips = bytes[...]
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

  /// The next byte of an answer that drips: 30 ms after the one before, so that the shortest takes longer than a device
  /// of these tests waits.
  private func drip(_ connection: inout Connection) {
    guard !connection.drips.isEmpty, ContinuousClock.now >= connection.nextDrip else { return }
    _ = send([connection.drips.removeFirst()], to: connection)
    connection.nextDrip = ContinuousClock.now + .milliseconds(30)
  }

  private func send(_ bytes: [UInt8], to connection: Connection) -> Bool {
    bytes.isEmpty || Glibc.send(connection.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
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
