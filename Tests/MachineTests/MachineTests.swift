import Glibc
import Machine
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct MachineTests {
  @Test func `a pseudo-terminal carries all bytes both ways`() throws {
    let terminal = try PseudoTerminal()
    let side = open(terminal.path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(side >= 0)
    defer { close(side) }
    let all = (0...255).map { UInt8($0) }
    try terminal.send(all)
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = read(side, &buffer, buffer.count)
    #expect(Array(buffer[..<max(0, count)]) == all)
    #expect(write(side, all, all.count) == all.count)
    #expect(terminal.receive(timeoutMilliseconds: 5000) == all)
    #expect(terminal.receive(timeoutMilliseconds: 0).isEmpty)
  }

  @Test func `dropping a pseudo-terminal hangs up its line and takes its link away`() throws {
    let folder = try ScratchFolder()
    let link = folder.file("gun")
    var terminal: PseudoTerminal? = try PseudoTerminal(link: link)
    let side = open(link, O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(side >= 0)
    defer { close(side) }
    #expect(terminal != nil)
    terminal = nil
    var waited = pollfd(fd: side, events: Int16(POLLIN), revents: 0)
    #expect(poll(&waited, 1, 5000) == 1)
    #expect(waited.revents & Int16(POLLHUP) != 0)
    #expect(access(link, F_OK) == -1)
  }

  @Test func `a descriptor is closed when its owner lets go`() {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    var byte: UInt8 = 0
    do {
      let writing = Descriptor(owning: ends[1])
      #expect(write(writing.number, &byte, 1) == 1)
    }
    #expect(read(ends[0], &byte, 1) == 1)
    // The end of the file comes only once nobody can write any more.
    #expect(read(ends[0], &byte, 1) == 0)
  }

  @Test func `a failure of the system says what was tried and why`() {
    #expect(SystemFailure(doing: "opening /x", code: ENOENT).description == "opening /x: No such file or directory")
    #expect(SystemFailure.making("/x", code: EACCES).description == "making /x: Permission denied")
    #expect(
      SystemFailure.making("/x", code: EROFS).description
        == "making /x, where a service may write if ReadWritePaths in its unit names the folder: Read-only file system")
  }

  @Test func `the clock's state has an error that is not negative`() {
    #expect(ClockState.now().errorSeconds >= 0)
  }

  @Test func `the service manager hears what it is told`() throws {
    let folder = try ScratchFolder()
    let manager = try NotifySocket(folder)
    let supervisor = Supervisor(environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000"])
    #expect(supervisor.watchdogInterval == .seconds(30))
    supervisor.ready(status: "taking readings")
    supervisor.alive()
    supervisor.stopping()
    #expect(manager.heard() == ["READY=1\nSTATUS=taking readings", "WATCHDOG=1", "STOPPING=1"])
  }

  @Test func `a service manager that reads nothing stops no sign of life`() throws {
    let folder = try ScratchFolder()
    let manager = try NotifySocket(folder)
    let supervisor = Supervisor(environment: ["NOTIFY_SOCKET": manager.path])
    for _ in 0..<5000 { supervisor.alive() }
    supervisor.stopping()
    let heard = manager.heard()
    #expect(!heard.isEmpty && heard.count < 5000 && heard.allSatisfy { $0 == "WATCHDOG=1" })
    supervisor.alive()
    #expect(manager.heard() == ["WATCHDOG=1"])
  }

  @Test func `without a service manager nothing is said and nothing fails`() {
    let supervisor = Supervisor(environment: [:])
    #expect(supervisor.watchdogInterval == nil)
    supervisor.ready(status: "alone")
  }
}
