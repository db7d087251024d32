import AsyncHTTPClient
import Devices
import Events
import Forward
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Queue
import TestParts

@testable import Web

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
let line3 = SourceName("plant1.line3.pc1")!

/// A line PC's queue with a site in front of it.
struct EdgeBench {
  let folder: ScratchFolder
  let queue: EventQueue
  let token: BearerToken?

  init(token: BearerToken? = nil) async throws {
    folder = try ScratchFolder()
    var settings = QueueSettings(path: folder.file("queue.db"))
    settings.reserveBytes = 0
    queue = try await EventQueue.open(settings, source: line3, logger: silent)
    self.token = token
  }

  func fill(_ count: Int) async throws {
    for index in 0..<count {
      let data = DeviceData(device: "press-1", state: .offline, reason: "\(index)")
      _ = try await queue.append { _ in Entry(events: [Event(data, at: .now(), subject: "ST10")]) }
    }
  }

  func site(
    devices: [DeviceStatus] = [], contexts: [Stamp] = [],
    readout: @escaping @Sendable (String, String?) async throws -> [TagReadout] = { _, _ in [] }
  ) -> EdgeSite {
    EdgeSite(
      source: line3, version: "1.0", queue: queue, token: token, devices: { devices }, readout: readout,
      contexts: { contexts }, forward: nil, logger: silent)
  }
}

/// What a client got.
struct Got: Sendable {
  let status: Int
  let headers: HTTPHeaders
  let body: [UInt8]

  func header(_ name: String) -> String? { headers.first(name: name) }
  var text: String { String(decoding: body, as: UTF8.self) }
  var batch: Batch? { try? Batch(body: body) { headers.first(name: $0) } }
}

func get(
  _ url: String, method: String = "GET", headers: [(String, String)] = [], body: [UInt8]? = nil
) async throws -> Got {
  var request = HTTPClientRequest(url: url)
  request.method = HTTPMethod(rawValue: method)
  for header in headers { request.headers.add(name: header.0, value: header.1) }
  if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
  let response = try await HTTPClient.shared.execute(request, timeout: .seconds(50))
  let whole = try await response.body.collect(upTo: 16 << 20)
  return Got(status: Int(response.status.code), headers: response.headers, body: Array(whole.readableBytesView))
}

/// Runs the site on a free port of loopback while `body` runs, which is given its URL without a slash at the end.
func running<Value: Sendable>(
  _ site: EdgeSite, _ listener: WebListener = WebListener(host: "127.0.0.1", port: 0),
  _ body: @Sendable @escaping (String) async throws -> Value
) async throws -> Value {
  let (ports, running) = AsyncStream<Int>.makeStream()
  let app = try site.application(listener) { running.yield($0) }
  return try await withThrowingTaskGroup(of: Value?.self) { group in
    defer { group.cancelAll() }
    group.addTask {
      try await app.run()
      return nil
    }
    group.addTask {
      for await port in ports { return try await body(String(listener.url(port: port).dropLast())) }
      return nil
    }
    while let value = try await group.next() {
      if let value { return value }
    }
    throw CancellationError()
  }
}

/// Runs a program to its end, without holding a thread of the pool.
func program(_ path: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(filePath: path)
  process.arguments = arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  let status = try await withCheckedThrowingContinuation { continuation in
    process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
    do { try process.run() } catch { continuation.resume(throwing: error) }
  }
  return (status, String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
}

let chainVerifier = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "foreign/verify_chain.py").path
