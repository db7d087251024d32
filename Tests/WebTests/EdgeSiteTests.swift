import Compression
import Devices
import Events
import Forward
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Queue
import ServiceLifecycle
import TestParts
import Testing

@testable import Web

/// A line PC over HTTP: a real queue behind a real port.
struct EdgeSiteTests {
  @Test(.timeLimit(minutes: 5))
  func `events come as the lines that are on disk, with the chain's ends in headers`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(7)
    try await running(bench.site()) { url in
      let first = try await get("\(url)/v1/events?after=0&limit=3")
      let one = try #require(first.batch)
      #expect(one.first == 1 && one.lines.count == 3 && one.previous == .zero)
      _ = try VerifiedBatch(one, from: line3)
      let second = try #require(try await get("\(url)/v1/events?after=3").batch)
      #expect(second.previous == one.head && second.last == 7)
      _ = try VerifiedBatch(second, from: line3)
      let newest = try #require(try await get("\(url)/v1/events?limit=2").batch)
      #expect(newest.first == 6 && newest.last == 7)
      let end = try await get("\(url)/v1/events?after=7")
      #expect(end.status == 200 && end.body.isEmpty)
      #expect(end.batch?.previous == end.batch?.head && end.batch?.previous == second.head)
      #expect(first.header("Content-Type") == "application/x-ndjson")
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `who takes gzip gets lines packed, and nobody else`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(60)
    // Without a client that unpacks by itself.
    try await Application(router: bench.site().router()).test(.router) { client in
      func get(_ path: String, _ accepted: String?) async throws -> (headers: HTTPFields, body: [UInt8]) {
        var headers = HTTPFields()
        headers[.acceptEncoding] = accepted
        let answer = try await client.execute(uri: path, method: .get, headers: headers)
        return (answer.headers, Array(answer.body.readableBytesView))
      }
      let path = "/v1/events?after=0"
      let plain = try await get(path, nil)
      #expect(plain.headers[.contentEncoding] == nil && plain.headers[.vary] == "Accept-Encoding")
      for accepted in ["gzip", "br, GZIP;q=0.5, *"] {
        let packed = try await get(path, accepted)
        #expect(packed.headers[.contentEncoding] == "gzip" && packed.body.count < plain.body.count / 4)
        #expect(try Gzip.inflate(packed.body, limit: 1 << 20) == plain.body)
      }
      for refused in ["identity", "gzip;q=0", "br"] {
        let got = try await get(path, refused)
        #expect(got.headers[.contentEncoding] == nil && got.body == plain.body)
      }
      let short = try await get("/v1/events?after=59", "gzip")
      #expect(short.headers[.contentEncoding] == nil && short.body.count < 1024 && !short.body.isEmpty)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `the same lines come as an array of CloudEvents where that is asked for`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(2)
    try await running(bench.site()) { url in
      let lines = try #require(try await get("\(url)/v1/events?after=0").batch).lines
      let got = try await get(
        "\(url)/v1/events?after=0", headers: [("Accept", "application/cloudevents-batch+json; charset=utf-8")])
      #expect(got.header("Content-Type") == "application/cloudevents-batch+json")
      #expect(got.text == "[\(lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ","))]")
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `what cannot be answered is told as a problem with a sentence`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(1)
    try await running(bench.site()) { url in
      let asked = [
        ("/v1/events?after=2", 409), ("/v1/events?after=x", 400), ("/v1/events?after=-1", 400),
        ("/v1/events?limit=0", 400), ("/v1/events?incarnation=zz", 400),
        ("/v1/events?after=0&incarnation=\(Incarnation.random())", 404), ("/nothing", 404),
      ]
      for (path, status) in asked {
        let got = try await get("\(url)\(path)")
        #expect(got.status == status, "\(path)")
        #expect(got.header("Content-Type") == "application/problem+json", "\(path)")
        #expect(JSON(got.body)?["detail"]?.text?.hasSuffix(".") == true, "\(path)")
        #expect(got.header("X-Content-Type-Options") == "nosniff")
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a known path asked with another method says which are allowed`() async throws {
    let bench = try await EdgeBench()
    try await running(bench.site()) { url in
      for (method, path, allowed) in [
        ("POST", "/v1/status", "GET, HEAD"), ("DELETE", "/", "GET, HEAD"), ("GET", "/v1/consumers/central", "PUT"),
        ("HEAD", "/v1/consumers/central", "PUT"), ("GET", "/v1/consumers/central", "PUT"),
        ("PUT", "/metrics", "GET, HEAD"),
      ] {
        let got = try await get("\(url)\(path)", method: method)
        #expect(got.status == 405, "\(method) \(path)")
        #expect(got.header("Allow") == allowed, "\(method) \(path)")
        if method != "HEAD" {
          #expect(JSON(got.body)?["detail"]?.text == "\(path) is not asked with \(method), but with \(allowed).")
        }
      }
      for method in ["HEAD", "POST", "HEAD", "GET"] {
        #expect(try await get("\(url)/nothing", method: method).status == 404)
      }
      #expect(try await get("\(url)/nothing").header("Allow") == nil)
    }
    let routes = EdgeControl(bench.site()).router().routes.filter { $0.path.description.contains("verify") }
    #expect(Set(routes.map(\.method.rawValue)).isSuperset(of: ["POST", "GET", "DELETE"]))
  }

  @Test(.timeLimit(minutes: 5))
  func `what only asks for the head gets the status and no body`() async throws {
    let bench = try await EdgeBench()
    try await running(bench.site()) { url in
      for path in ["/healthz", "/metrics", "/", "/v1/status", "/v1/events"] {
        let got = try await get("\(url)\(path)", method: "HEAD")
        #expect(got.status == 200 && got.body.isEmpty, "\(path)")
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a long poll is answered by the next event`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(1)
    try await running(bench.site()) { url in
      async let polled = get("\(url)/v1/events?after=1&wait=45")
      try await eventually("the poll stands") { try await get("\(url)/healthz").status == 200 }
      try await bench.fill(1)
      let told = try await polled
      #expect(told.batch?.last == 2)
      let began = ContinuousClock.now
      let got1 = try await get("\(url)/v1/events?after=2&wait=1")
      #expect(got1.batch?.lines.isEmpty == true)
      #expect(ContinuousClock.now - began >= .milliseconds(900))
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a service that stops does not wait for those who wait`() async throws {
    let bench = try await EdgeBench()
    let (ports, running) = AsyncStream<Int>.makeStream()
    let app = try bench.site().application(WebListener(host: "127.0.0.1", port: 0)) { running.yield($0) }
    let group = ServiceGroup(configuration: .init(services: [app], logger: silent))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      for await port in ports {
        async let polled = get("http://127.0.0.1:\(port)/v1/events?after=0&wait=45")
        // One connection is in use by the poll when another has been answered after it.
        for _ in 0..<20 { _ = try await get("http://127.0.0.1:\(port)/healthz") }
        await group.triggerGracefulShutdown()
        let told = try await polled
        #expect(told.status == 200)
        break
      }
      try await tasks.waitForAll()
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a consumer's receipt is kept, and a wrong hash or a number to come is refused`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(3)
    try await running(bench.site()) { url in
      let batch = try #require(try await get("\(url)/v1/events?after=0&limit=2").batch)
      let good = Receipt(
        source: line3, incarnation: batch.incarnation, receivedThrough: 2, head: batch.head, safeThrough: 1)
      func put(_ name: String, _ receipt: Receipt) async throws -> Int {
        try await get("\(url)/v1/consumers/\(name)", method: "PUT", body: receipt.json).status
      }
      #expect(try await put("mes", good) == 200)
      #expect(bench.queue.status.consumers["mes"]?.receivedThrough == 2)
      #expect(bench.queue.status.consumers["mes"]?.frees == false)
      #expect(try await put("central", good) == 200)
      #expect(bench.queue.status.consumers["central"]?.frees == true)
      let wrong = Receipt(
        source: line3, incarnation: batch.incarnation, receivedThrough: 2, head: .zero, safeThrough: 0)
      let late = Receipt(
        source: line3, incarnation: batch.incarnation, receivedThrough: 9, head: .zero, safeThrough: 0)
      #expect(try await put("mes", wrong) == 409)
      #expect(try await put("mes", late) == 409)
      #expect(bench.queue.status.incarnation == batch.incarnation)
      #expect(try await put("m%20s", good) == 400)
      let got2 = try await get("\(url)/v1/consumers/mes", method: "PUT", body: Array("{}".utf8))
      #expect(got2.status == 400)
      #expect(try await put("central", wrong) == 409)
      #expect(bench.queue.status.incarnation != batch.incarnation)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `healthz says whether events are taken, status and metrics say the rest`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(4)
    var device = DeviceStatus(name: "press-1", station: "ST10", kind: "modbus", address: "127.0.0.1:502 unit 1")
    device.state = .online
    device.good = 77
    let site = bench.site(devices: [device])
    try await running(site) { url in
      let got3 = try await get("\(url)/healthz")
      #expect(got3.status == 200)
      let status = try #require(JSON(try await get("\(url)/v1/status").body))
      #expect(status["capturing"]?.text == "capturing")
      #expect(status["queue"]?["unsent"]?.whole == 4)
      let got4 = try await get("\(url)/metrics")
      #expect(got4.text.contains("lotline_device_polls_total{device=\"press-1\"} 77\n"))
      await bench.queue.close()
      let got5 = try await get("\(url)/healthz")
      #expect(got5.status == 503)
      #expect(JSON(try await get("\(url)/v1/status").body)?["capturing"]?.text?.hasPrefix("not capturing") == true)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `what a scanner read never becomes markup of the page`() async throws {
    let bench = try await EdgeBench()
    let hostile = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>"
    let scan = ScanData(device: "gun-1", raw: Array(hostile.utf8), text: hostile, roles: [.init("unit", hostile)])
    _ = try await bench.queue.append { _ in Entry(events: [Event(scan, at: .now(), subject: hostile)]) }
    var device = DeviceStatus(name: "gun-1", station: "ST10", kind: "serial", address: hostile)
    device.state = .refusing
    device.reason = hostile
    let context = Stamp(station: "ST10", fields: [.init(name: "unit", value: hostile, by: .sequence(1))])
    try await running(bench.site(devices: [device], contexts: [context])) { url in
      let page = try await get("\(url)/")
      #expect(page.status == 200)
      #expect(page.header("Content-Type") == "text/html; charset=utf-8")
      #expect(page.header("Content-Security-Policy")?.hasPrefix("default-src 'none'") == true)
      #expect(!page.text.contains("<script") && !page.text.contains("<img"))
      let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
      #expect(page.text.components(separatedBy: escaped).count - 1 >= 5)
      for asset in ["/style.css", "/favicon.svg"] {
        #expect(page.text.contains("\"\(asset)\""))
        let got6 = try await get("\(url)\(asset)")
        #expect(got6.status == 200)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `with a token, all but healthz needs it`() async throws {
    let token = try #require(BearerToken("a-token-of-this-test"))
    let bench = try await EdgeBench(token: token)
    try await running(bench.site()) { url in
      for path in ["/", "/v1/status", "/v1/events", "/metrics"] {
        let got7 = try await get("\(url)\(path)")
        #expect(got7.status == 401, "\(path)")
        let got8 = try await get("\(url)\(path)", headers: [("Authorization", "Bearer a-token-of-this-tesT")])
        #expect(got8.status == 401)
        let got9 = try await get("\(url)\(path)", headers: [("Authorization", token.authorization)])
        #expect(got9.status == 200, "\(path)")
      }
      let got10 = try await get("\(url)/healthz")
      #expect(got10.status == 200)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `without a token a foreign name is not answered, and Authorization is ignored`() async throws {
    let bench = try await EdgeBench()
    try await running(bench.site()) { url in
      let got11 = try await get("\(url)/v1/status", headers: [("Host", "evil.example")])
      #expect(got11.status == 421)
      let got12 = try await get("\(url)/v1/status", headers: [("Authorization", "Bearer whatever-it-may-be")])
      #expect(got12.status == 200)
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")), .timeLimit(minutes: 5))
  func `a foreign verifier follows the chain over HTTP, and sees an altered line in an export`() async throws {
    let bench = try await EdgeBench()
    try await bench.fill(25)
    try await running(bench.site()) { url in
      let python = "/usr/bin/python3"
      let good = try await program(python, [chainVerifier, "\(url)/v1/events?after=5"])
      #expect(good.status == 0, "\(good.output)")
      #expect(good.output.contains("\"events\": 20"))
      let batch = try #require(try await get("\(url)/v1/events?after=0").batch)
      #expect(good.output.contains(batch.head.description))
      let export = try bench.folder.write("export.ndjson", String(decoding: batch.body, as: UTF8.self))
      #expect(try await program(python, [chainVerifier, export, "--head", batch.head.description]).status == 0)
      let altered = String(decoding: batch.body, as: UTF8.self).replacingOccurrences(
        of: "\"reason\":\"7\"", with: "\"reason\":\"8\"")
      try bench.folder.write("export.ndjson", altered)
      #expect(try await program(python, [chainVerifier, export, "--head", batch.head.description]).status == 1)
    }
  }
}
