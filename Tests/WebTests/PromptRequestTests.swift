import Foundation
import Glibc
import Hummingbird
import Logging
import Machine
import ServiceLifecycle
import TestParts
import Testing

@testable import Web

/// A listener's patience with clients, over real connections.
@Suite(.timeLimit(minutes: 5))
struct PromptRequestTests {
  private static let head = "GET /there HTTP/1.1\r\nHost: x\r\n"

  @Test func `a head or a body that drips, and a pause without end, are cut off, and what is whole is answered`()
    async throws
  {
    var patience = RequestPatience()
    (patience.head, patience.body, patience.pause) = (.seconds(2), .seconds(2), .seconds(2))
    try await serving(patience) { port in
      for (first, answers) in [
        ("", 0), (Self.head, 0), ("POST /there HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nab", 0),
        (Self.head + "\r\n", 1), (Self.head + "\r\n" + Self.head + "\r\n" + Self.head, 2),
      ] {
        let said = try await Client.drip(first, at: port)
        #expect(said.components(separatedBy: "HTTP/1.1 200").count - 1 == answers, "\(first) was answered \(said)")
      }
    }
  }

  @Test func `who waits for an answer is not cut off`() async throws {
    var patience = RequestPatience()
    (patience.head, patience.body, patience.pause) = (.seconds(3), .seconds(3), .seconds(3))
    try await serving(patience) { port in
      let said = try await Client.drip("GET /late HTTP/1.1\r\nHost: x\r\n\r\n", at: port)
      #expect(said.contains("HTTP/1.1 200"), "\(said)")
    }
  }

  @Test func `where many wait the one that waits longest makes room`() async throws {
    var patience = RequestPatience()
    (patience.head, patience.pause, patience.waiting) = (.seconds(600), .seconds(600), 3)
    try await serving(patience) { port in
      let first = try Client(port)
      async let end = first.rest()
      var others: [Client] = []
      for _ in 0..<3 { others.append(try Client(port)) }
      #expect(await end == "")
      let last = try Client(port)
      try last.send("GET /there HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      #expect(await last.rest().contains("HTTP/1.1 200"))
      withExtendedLifetime(others) {}
    }
  }

  private func serving(_ patience: RequestPatience, _ body: @escaping @Sendable (Int) async throws -> Void) async throws
  {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let router = Router()
    router.get("/there") { _, _ in "yes" }
    router.post("/there") { request, _ in
      _ = try await request.body.collect(upTo: 100)
      return "yes"
    }
    router.get("/late") { _, _ in
      try await Task.sleep(for: .seconds(5))  // longer than the listener's patience: that is what is tested
      return "yes"
    }
    var listener = WebListener(host: "127.0.0.1", port: 0)
    listener.patience = patience
    let (ports, known) = AsyncStream.makeStream(of: Int.self)
    let application = try listener.application(router, name: "test", logger: logger) { known.yield($0) }
    let group = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      for await port in ports {
        try await body(port)
        break
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }
}

/// A client that says what it is told to, and no more.
private final class Client: Sendable {
  private let descriptor: Int32

  init(_ port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = in_port_t(port).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Impatience(description: "no connection to \(port)") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw Impatience(description: "it takes nothing any more")
    }
  }

  /// All that comes until it is closed, read on a thread of its own.
  func rest() async -> String {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [self] in
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { all += buffer[..<count] }
        continuation.resume(returning: String(decoding: all, as: UTF8.self))
      }
    }
  }

  /// Says the first words, then a letter each 50 ms, until it is closed; gives what was answered.
  static func drip(_ first: String, at port: Int) async throws -> String {
    let client = try Client(port)
    if !first.isEmpty { try client.send(first) }
    let dripping = Task {
      while !Task.isCancelled, !first.isEmpty, !first.hasSuffix("\r\n\r\n") {
        guard (try? client.send("x")) != nil else { return }
        try? await Task.sleep(for: .milliseconds(50))  // the drip itself
      }
    }
    defer { dripping.cancel() }
    return await client.rest()
  }
}
