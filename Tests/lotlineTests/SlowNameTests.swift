import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A line with one PLC that is named by a host, and a name server that never answers.
@Suite(.enabled(if: OwnMounts.areAllowed, Comment(rawValue: OwnMounts.reason)), .timeLimit(minutes: 5))
struct SlowNameTests {
  @Test func `a name server that does not answer costs its own device only, and does not hold up the stop`()
    async throws
  {
    let server = try SilentNameServer()
    defer { server.close() }
    let plcs = try await SerialPLC.some(1)
    let line = try LineFolder(
      plcs: [.init(plcs[0]), .init(name: "far", port: 502)], scanners: [])
    let settings = try String(contentsOfFile: line.edge, encoding: .utf8)
      .replacing("\"127.0.0.1:502\"", with: "\"plc-7.plant.test:502\"")
    try line.scratch.write("edge.yaml", settings)
    try line.scratch.write("resolv.conf", "nameserver \(server.address)\noptions timeout:30 attempts:1\n")
    let edge = try OwnMounts.start(
      ["edge", "run", "--config", line.edge],
      after: "mount --bind \(line.scratch.file("resolv.conf")) /etc/resolv.conf", in: line.scratch, name: "edge")
    try await eventually("the far one is named; \(edge.said)", within: .seconds(60)) {
      edge.said.contains("far (plc-7.plant.test:502 unit 1): the name plc-7.plant.test has no address after 500ms")
    }
    let making = Task { await plcs[0].run() }
    try await eventually("the near one makes its pieces; \(edge.said)") { await plcs[0].acknowledged.count >= 5 }
    making.cancel()
    #expect(server.wasAsked)
    let told = ContinuousClock.now
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said)")
    // Ten are promised; what waits for the name server waits thirty.
    #expect(ContinuousClock.now - told < .seconds(20))
    #expect(!edge.said.contains("it hangs"))
  }
}

/// A name server's port that takes questions and answers none.
private struct SilentNameServer {
  /// One of the machine's many own addresses, so that two runs of the tests do not meet: the port cannot be chosen.
  let address = "127.77.\(Int.random(in: 0...255)).\(Int.random(in: 1...254))"
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = in_port_t(53).bigEndian
    place.sin_addr.s_addr = inet_addr(address)
    let bound = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0 else { throw Impatience(description: "port 53 of \(address) is not to be had") }
  }

  var wasAsked: Bool {
    var buffer = [UInt8](repeating: 0, count: 512)
    return recv(descriptor, &buffer, buffer.count, 0) > 0
  }

  func close() { Glibc.close(descriptor) }
}
