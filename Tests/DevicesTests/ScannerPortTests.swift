import Events
import Foundation
import Glibc
import Machine
import TestParts
import Testing

@testable import Devices

@Suite(.timeLimit(minutes: 5)) struct ScannerPortTests {
  @Test func `a scanner unplugged and plugged in again under its name goes on`() async throws {
    try await ScannerBench.run { bench in
      try await bench.scan("OP-0001\r", gives: ScannerBench.accepted)
      await bench.gun.unplug()
      try await eventually("it is offline") { bench.device.status.state == .offline }
      try await bench.gun.plug()
      let back = ContinuousClock.now
      try await eventually("it is online") { bench.device.status.state == .online }
      #expect(ContinuousClock.now - back < .seconds(2))
      try await bench.scan("OP-0002\r", gives: ScannerBench.accepted)
      #expect(await bench.desk.scans.map(\.text) == ["OP-0001", "OP-0002"])
      let states = await bench.desk.states
      #expect(states.map(\.state) == [.online, .offline, .online])
      #expect(states[1].reason?.hasPrefix("\(bench.gun.link) is gone, unplugged? (") == true)
      let holes = await bench.desk.holes
      #expect(holes.map(\.kind) == [.deviceOffline])
      #expect(holes[0].from == states[1].moment.time)
      #expect(holes[0].to == states[2].moment.time)
      #expect(holes[0].reason == states[1].reason)
    }
  }

  @Test func `pulling the plug is one line in the log, and plugging it in one more`() async throws {
    try await ScannerBench.run { bench in
      await bench.gun.unplug()
      try await eventually("it is offline") { bench.device.status.state == .offline }
      // Tried again, and found absent, more than once.
      let beats = bench.device.status.beats
      try await eventually("it is tried again") { bench.device.status.beats > beats + 2 }
      try await bench.gun.plug()
      try await eventually("it is online") { bench.device.status.state == .online }
      try await eventually("it says so: \(bench.log.lines)") { bench.log.lines.count >= 3 }
      let lines = bench.log.lines
      #expect(lines.map { $0.prefix { $0 != " " } } == ["info", "warning", "info"], "\(lines)")
      #expect(lines[1].hasPrefix("warning scanner gun-1 is offline: \(bench.gun.link) is gone, unplugged?"))
    }
  }

  @Test func `a frame cut by the plug is kept as damaged and not joined with the next`() async throws {
    // The idle time is long, so that only the plug can end the frame.
    try await ScannerBench.run(ScannerBench.acknowledging.replacing("100ms", with: "60s")) { bench in
      try await bench.gun.send(Array("OP-12".utf8))
      try await eventually("the device has read them") { bench.device.status.beats > 3 }
      await bench.gun.unplug()
      try await eventually("it is offline") { bench.device.status.state == .offline }
      try await bench.gun.plug()
      try await bench.scan("OP-3456\r", gives: ScannerBench.accepted)
      let scans = await bench.desk.scans
      #expect(scans.last?.text == "OP-3456")
      #expect(scans.first?.raw == Array("OP-12".utf8))
      #expect(scans.first?.problem == "a frame without its end: the scanner was unplugged")
      #expect(scans.first?.roles == [])
    }
  }

  @Test func `a scanner that is not there at the start is offline once and comes later`() async throws {
    try await ScannerBench.run(isPlugged: false) { bench in
      #expect(await bench.desk.states.map(\.state) == [.offline])
      #expect(
        await bench.desk.states[0].reason
          == "opening \(bench.gun.link): No such file or directory: is it plugged in? "
          + "(ls -l /dev/serial/by-id shows what is)")
      try await bench.gun.plug()
      try await bench.scan("OP-0001\r", gives: ScannerBench.accepted)
      #expect(await bench.desk.states.map(\.state) == [.offline, .online])
      #expect(await bench.desk.holes.map(\.kind) == [.deviceOffline])
    }
  }

  @Test func `what could not be reported while the queue was full is reported later, in order`() async throws {
    try await ScannerBench.run { bench in
      await bench.desk.answerWith(.refused("full"))
      await bench.gun.unplug()
      try await eventually("it is offline") { bench.device.status.state == .offline }
      try await bench.gun.plug()
      try await eventually("it is online") { bench.device.status.state == .online }
      let before = await bench.desk.reports.count
      await bench.desk.answerWith(.accepted)
      try await eventually("all is said") { await bench.desk.holes.count == 1 }
      let said = await bench.desk.states.dropFirst(before - 1).map(\.state)
      #expect(said.last == .online)
      #expect(await bench.desk.holes.first?.kind == .deviceOffline)
    }
  }

  @Test func `an outage that lasts is recorded when the device stops`() async throws {
    let desk = Desk()
    let folder = try ScratchFolder()
    let device = try scannerDevice(ScannerBench.acknowledging, path: folder.file("absent"), desk: desk)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await device.run() }
      try? await eventually("it is offline") { await !desk.states.isEmpty }
      group.cancelAll()
    }
    let hole = try #require(await desk.holes.first)
    #expect(hole.kind == .deviceOffline)
    #expect(hole.from == (await desk.states.first?.moment.time))
    #expect(hole.reason?.hasSuffix("; the daemon stopped meanwhile") == true)
  }

  @Test func `a second device on the same port is refused and the first goes on`() async throws {
    try await ScannerBench.run { bench in
      let desk = Desk()
      let second = try scannerDevice(ScannerBench.acknowledging, path: bench.gun.link, desk: desk)
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await second.run() }
        try? await eventually("the second is offline") { await !desk.states.isEmpty }
        group.cancelAll()
      }
      #expect(await desk.states.map(\.state) == [.offline])
      // Root passes the terminal's own lock and meets the file's; anybody else meets the terminal's first.
      let reason = try #require(await desk.states.first?.reason)
      #expect(reason.hasSuffix("another device of the settings has it: give each its own port"))
      try await bench.scan("OP-0001\r", gives: ScannerBench.accepted)
      #expect(await bench.desk.states.map(\.state) == [.online])
    }
  }

  @Test func `stopping frees the port at once, whatever is waited for`() async throws {
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun"))
    for _ in 0..<3 {
      let desk = Desk()
      let device = try scannerDevice(ScannerBench.acknowledging, path: gun.link, desk: desk)
      let stopped = try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await device.run() }
        try await eventually("it is online") { await desk.states.last?.state == .online }
        group.cancelAll()
        let begin = ContinuousClock.now
        try await group.waitForAll()
        return ContinuousClock.now - begin
      }
      #expect(stopped < .milliseconds(1500))  // less than one wait of the loop
      #expect(await desk.holes.isEmpty)
    }
  }

  @Test func `a line that does not take its setting is refused by name`() throws {
    // Linux keeps every pseudo-terminal at 8 bits without parity.
    let terminal = try PseudoTerminal()
    #expect(
      portFailure(terminal.path, SerialLine(parity: .even))
        == "\(terminal.path) does not take parity E of 9600 8E1: set the map's line to what the port can do")
    #expect(
      portFailure(terminal.path, SerialLine(dataBits: 7))
        == "\(terminal.path) does not take 7 data bits of 9600 7N1: set the map's line to what the port can do")
    #expect(
      portFailure(terminal.path, SerialLine(parity: .mark))?.contains("does not take parity M of 9600 8M1") == true)
    #expect(portFailure(terminal.path, SerialLine(baud: 115_200, stopBits: 2)) == nil)
  }

  @Test(arguments: [50, 1200, 9600, 115_200, 921_600, 4_000_000, 250_000, 10_400, 76_800])
  func `a line has the speed that was asked for, also one without a name`(baud: Int) throws {
    let terminal = try PseudoTerminal()
    let port = try SerialPort(path: terminal.path, line: SerialLine(baud: baud))
    #expect(try LineSpeed.read(of: terminal.control) == baud)
    withExtendedLifetime(port.path) {}
  }

  @Test func `flow control is set as the map says`() throws {
    let terminal = try PseudoTerminal()
    for flow in SerialLine.Flow.allCases + [.none] {
      let port = try SerialPort(path: terminal.path, line: SerialLine(flow: flow))
      var found = termios()
      #expect(tcgetattr(terminal.control, &found) == 0)
      #expect((found.c_cflag & tcflag_t(CRTSCTS) != 0) == (flow == .rtsCts))
      #expect((found.c_iflag & tcflag_t(IXON) != 0) == (flow == .xonXoff))
      #expect((found.c_iflag & tcflag_t(IXOFF) != 0) == (flow == .xonXoff))
      withExtendedLifetime(port.path) {}
    }
  }

  @Test func `a port that another program has is refused with that program's name`() async throws {
    let terminal = try PseudoTerminal()
    let other = Process()
    other.executableURL = URL(filePath: "/usr/bin/flock")
    other.arguments = ["--no-fork", terminal.path, "sleep", "60"]
    try other.run()
    defer { other.terminate() }
    let holder = other.processIdentifier
    try await eventually("the other program has it") {
      PortHolder.name(of: terminal.path)?.contains("\(holder)") == true
    }
    #expect(
      portFailure(terminal.path, SerialLine())
        == "\(terminal.path) is in use: sleep (process \(holder)) has it: end that one")
  }

  @Test func `a port that takes nothing is given up after its time`() throws {
    let terminal = try PseudoTerminal()
    let port = try SerialPort(path: terminal.path, line: SerialLine())
    // Nobody reads the other side, and no buffer on the way is so large.
    #expect(port.send([UInt8](repeating: 0x06, count: 4_000_000), within: 100) == "it takes no bytes")
    #expect(!terminal.receive(timeoutMilliseconds: 5000).isEmpty)
  }

  @Test func `a dead reader's mark is taken off the port, a living one's is not`() async throws {
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun"))
    let watching = open(gun.link, O_RDWR | O_NOCTTY | O_CLOEXEC)
    let reader = open(gun.link, O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(watching >= 0 && reader >= 0)
    defer { close(watching) }
    #expect(flock(reader, LOCK_EX | LOCK_NB) == 0)
    #expect(ioctl(reader, UInt(TIOCEXCL), 0) == 0)
    await gun.releaseAbandoned()
    #expect(isExclusive(watching))
    close(reader)  // as a kill does: the lock goes, the mark stays
    #expect(isExclusive(watching))
    await gun.releaseAbandoned()
    #expect(!isExclusive(watching))
  }

  private func isExclusive(_ side: Int32) -> Bool {
    var mark: Int32 = -1
    return ioctl(side, 0x8004_5440, &mark) == 0 && mark != 0  // TIOCGEXCL
  }

  @Test func `what is no serial line is refused`() throws {
    let folder = try ScratchFolder()
    let file = try folder.write("file", "")
    #expect(
      portFailure(file, SerialLine())
        == "\(file) is no serial line: name a serial port, such as one of /dev/serial/by-id")
    #expect(portFailure("/dev/null", SerialLine())?.contains("is no serial line") == true)
  }

  private func portFailure(_ path: String, _ line: SerialLine) -> String? {
    do {
      _ = try SerialPort(path: path, line: line)
      return nil
    } catch { return error.reason }
  }

  @Test func `the outbox stays small and keeps the whole outage`() {
    var outbox = PendingReports()
    for number in 0..<1000 {
      let moment = Moment(time: Timestamp(microseconds: Int64(number)), boottimeNanoseconds: UInt64(number))
      outbox.add(
        .hole(
          Hole(
            device: "gun", moment: moment, kind: number % 2 == 0 ? .unreadableScan : .deviceOffline,
            from: moment.time, to: moment.time.adding(.microseconds(1)), count: number % 2 == 0 ? 1 : nil)))
      outbox.add(.state(StateReport(device: "gun", moment: moment, state: number % 2 == 0 ? .online : .offline)))
    }
    #expect(outbox.reports.count <= PendingReports.limit)
    var lost: UInt64 = 0
    for case .hole(let hole) in outbox.reports where hole.kind == .unreadableScan { lost += hole.count ?? 0 }
    #expect(lost == 500)
    guard case .hole(let first) = outbox.reports.first else {
      Issue.record("the outage is gone")
      return
    }
    #expect(first.from == Timestamp(microseconds: 0))
    guard case .state(let last) = outbox.reports.last else {
      Issue.record("the last state is gone")
      return
    }
    #expect(last.state == .offline)
  }

  @Test func `a repeated message is due on a change and then once in a while`() {
    var log = Repetition(every: .seconds(60))
    let now = ContinuousClock.now
    let written = [("gone", 0), ("gone", 59), ("other", 59), ("other", 100), ("other", 119)].filter { message, second in
      log.isDue(message, at: now + .seconds(second))
    }
    #expect(written.map(\.0) == ["gone", "other", "other"])
    #expect(written.map(\.1) == [0, 59, 119])
  }
}
