import Devices
import Events
import Foundation
import Glibc
import Logging
import Queue
import TestParts
import Testing

/// A daemon parts of which hang, with the service manager listening.
struct HangTests {
  @Test(
    .timeLimit(minutes: 5), .enabled(if: HungMount.isPossible, Comment(rawValue: HungMount.reason)),
    .enabled(if: Proof.isOn, "takes half a minute: runs in make proof"))
  func `Proof: a scanner whose code hangs is started anew, pieces go on, and the watchdog is fed`() async throws {
    let plc = try await SerialPLC.some(1)[0]
    let line = try LineFolder(
      plcs: [.init(plc)], scanners: [.init(name: "gun-1", link: "/nowhere/gun")], pulled: true)
    let hung = try HungMount(line.scratch.file("hung"))
    try line.change("edge.yaml", "/nowhere/gun", to: hung.path + "/gun")
    let manager = try NotifySocket(line.scratch)
    let edge = try line.startEdge(environment: ["NOTIFY_SOCKET": manager.path])
    let load = Task { await plc.run() }
    defer { load.cancel() }
    try await eventually("it is started anew; \(edge.said)", within: .seconds(60)) {
      edge.said.contains("device gun-1 has not gone round its loop")
    }
    _ = manager.heard()
    let before = await plc.acknowledged.count
    try await eventually("pieces go on, and the watchdog is fed; \(edge.said)") {
      let count = await plc.acknowledged.count
      return count > before + 10 && manager.heard().contains("WATCHDOG=1")
    }
    let metrics = String(
      decoding: try await CentralAnswers(url: line.edgeURL).get("/metrics").body, as: UTF8.self)
    #expect(metrics.contains("lotline_device_replacements_total{device=\"gun-1\"} 1\n"))
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said)")
  }

  @Test(.timeLimit(minutes: 5), .enabled(if: HungMount.isPossible, Comment(rawValue: HungMount.reason)))
  func `it stops with all committed while the central and a PLC answer nothing and a scanner hangs`() async throws {
    let plc = try await SerialPLC.some(1)[0]
    let (mute, deaf) = (try MuteServer(), try MuteServer())
    let line = try LineFolder(
      plcs: [.init(plc), .init(name: "press-2", port: deaf.port)],
      scanners: [.init(name: "gun-1", link: "/nowhere/gun")])
    let hung = try HungMount(line.scratch.file("hung"))
    try line.change("edge.yaml", "/nowhere/gun", to: hung.path + "/gun")
    try line.change("edge.yaml", line.centralURL, to: "http://127.0.0.1:\(mute.port)")
    let edge = try line.startEdge()
    let load = Task { await plc.run() }
    try await eventually("pieces are made; \(edge.said)") { await plc.acknowledged.count > 5 }
    let begun = ContinuousClock.now
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said)")
    print("stopped after \(ContinuousClock.now - begun)")
    load.cancel()
    await load.value
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let queue = try await EventQueue.open(
      QueueSettings(path: line.scratch.file("queue.db")), source: LineFolder.name, logger: quiet)
    #expect(queue.opening.stoppedCleanly)
    let lines = try await queue.newest(limit: 2000).lines.compactMap { JSON($0) }
    #expect(lines.last?["type"]?.text == "lotline.stopped")
    let made = Set(lines.compactMap { $0["data"].flatMap { CycleData($0) }?.trigger })
    let acknowledged = await plc.acknowledged
    #expect(acknowledged.allSatisfy { made.contains(UInt64($0)) }, "a cycle is missing")
    await queue.close()
  }

  @Test(
    .timeLimit(minutes: 5),
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "needs strace: make test installs it")
  )
  func `a start that takes long says to the service manager that it goes on`() async throws {
    let line = try LineFolder(plcs: [.init(name: "press-1", port: 1)], scanners: [], pulled: true)
    let manager = try NotifySocket(line.scratch)
    let queue = line.scratch.file("queue.db")
    // The first flush of the queue's file takes eight seconds.
    let edge = try Program(
      "/usr/bin/strace",
      [
        "-D", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-P", queue, "-P", queue + "-wal", "-e",
        "inject=fdatasync:delay_enter=8000000:when=1",
      ]
        + [Program.lotline, "edge", "run", "--config", line.edge],
      in: line.scratch, name: "edge", environment: ["NOTIFY_SOCKET": manager.path])
    var heard: [String] = []
    try await eventually("it is ready; \(heard) \(edge.said)", within: .seconds(60)) {
      heard += manager.heard()
      return heard.contains { $0.hasPrefix("READY=1") }
    }
    let ready = try #require(heard.firstIndex { $0.hasPrefix("READY=1") })
    let asked = heard[..<ready].filter { $0.hasPrefix("EXTEND_TIMEOUT_USEC=30000000\nSTATUS=opening the queue ") }
    #expect(asked.count >= 2, "\(heard)")
    #expect(!heard[ready...].contains { $0.hasPrefix("EXTEND") })
    edge.signal(SIGTERM)
    try await edge.ended()
  }
}

/// Takes connections and never says a word.
private final class MuteServer: Sendable {
  let port: Int
  private let listener: Int32

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let listens = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard listens else { throw Impatience(description: "cannot listen") }
    port = Int(in_port_t(bigEndian: address.sin_port))
  }

  deinit { close(listener) }
}
