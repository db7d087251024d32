import Devices
import Events
import Forward
import Foundation
import Hummingbird
import Testing

@testable import Queue
@testable import Web

/// What a line PC says of itself, made from a state that a test gives.
struct EdgeStateTests {
  private let time = Timestamp("2026-11-23T08:31:02.123456Z")!
  private let source = SourceName("plant1.line3.pc1")!

  private func state(
    refusing: Refusal? = nil, forward: ForwardStatus.State? = .idle, last: UInt64 = 10, received: UInt64 = 7,
    devices: [DeviceStatus] = [], listeners: [ListenerStatus] = []
  ) -> EdgeState {
    var queue = QueueStatus(incarnation: .random(), limitBytes: 1_000_000)
    queue.last = last
    queue.refusing = refusing
    queue.incarnations = [
      IncarnationStatus(
        incarnation: queue.incarnation, first: 1, last: last, head: .zero, why: "new", received: ["central": received])
    ]
    return EdgeState(
      source: source, version: "1.0", now: time, queue: queue, devices: devices, contexts: [],
      forward: forward.map { state in
        var status = ForwardStatus(other: "the central", url: "https://trace.plant1:8480", since: time)
        status.state = state
        return status
      }, listeners: listeners, primary: "central")
  }

  private func device(_ state: DeviceData.State?, _ name: String = "press-1", reason: String? = nil) -> DeviceStatus {
    var device = DeviceStatus(name: name, station: "ST10", kind: "modbus", address: "10.0.0.1:502 unit 1")
    (device.state, device.reason) = (state, reason)
    return device
  }

  private func sentence(_ state: EdgeState) -> String { state.capture.sentence() }

  @Test func `it captures while the central is away, and says since when`() {
    let running = [device(.online)]
    #expect(sentence(state(devices: running)) == "capturing")
    #expect(
      sentence(state(forward: .away, devices: running)) == "capturing, central away since 2026-11-23T08:31:02.123456Z")
    #expect(
      sentence(state(forward: .refused, devices: running))
        == "capturing, central refuses since 2026-11-23T08:31:02.123456Z")
    #expect(sentence(state(forward: nil, devices: running)) == "capturing")
    #expect(state(forward: .away, devices: running).capture.word == .centralAway)
  }

  @Test func `a queue that refuses is not capturing, whatever the central does`() {
    let state = state(refusing: .full("delete nothing"), forward: .away, devices: [device(.online)])
    #expect(sentence(state) == "not capturing: the queue is full: delete nothing")
    #expect(state.metrics.contains("\nlotline_capturing 0\n"))
  }

  @Test func `it is not capturing where no device runs, and one that was not tried yet counts as running`() {
    let away = device(.offline, reason: "no answer within 1s")
    #expect(sentence(state(devices: [away])) == "not capturing: press-1 does not run (no answer within 1s)")
    #expect(
      sentence(state(devices: [away, device(.offline, "gun-1"), device(.offline, "gun-2")]))
        == "not capturing: press-1 does not run (no answer within 1s), nor does any of the 2 others")
    #expect(sentence(state(devices: [])) == "not capturing: the settings have no device")
    #expect(sentence(state(devices: [away, device(nil, "gun-1")])) == "capturing")
    #expect(sentence(state(devices: [away, device(.refusing, "press-2")])) == "capturing")
  }

  @Test func `status and metrics tell programs the word, and how long the central has been away`() throws {
    var away = ForwardStatus(other: "the central", url: "x", since: time.adding(.seconds(-90)))
    (away.state, away.reason) = (.away, "no answer")
    let one = state(devices: [device(.online)])
    let state = EdgeState(
      source: source, version: "1.0", now: time, queue: one.queue, devices: one.devices, contexts: [], forward: away,
      primary: "central")
    let told = try #require(JSON(state.json)?["capture"])
    #expect(told["word"]?.text == "central-away" && told["reason"]?.text == "no answer")
    #expect(told["since"]?.time == time.adding(.seconds(-90)))
    let lines = state.metrics.split(separator: "\n")
    #expect(lines.contains("lotline_capturing 1") && lines.contains("lotline_central_away_seconds 90"))
    #expect(one.metrics.contains("\nlotline_central_away_seconds 0\n"))
  }

  @Test func `the status names what the central has not confirmed`() throws {
    let json = try #require(JSON(state().json))
    #expect(json["source"]?.text == "plant1.line3.pc1")
    #expect(json["queue"]?["unsent"]?.whole == 3)
    #expect(json["central"]?["state"]?.text == "idle")
    #expect(json["incarnations"]?.items?.first?["received"]?["central"]?.whole == 7)
    #expect(json["queue"]?["accepting"]?.flag == true)
  }

  @Test func `devices come with state, reason and faults`() throws {
    var device = DeviceStatus(name: "press-1", station: "ST10", kind: "modbus", address: "192.168.10.21:502 unit 1")
    device.state = .offline
    device.reason = "no answer within 1s"
    device.faults = ["timeout": 4, "unit": 1]
    let state = state(devices: [device])
    let told = try #require(JSON(state.json)?["devices"]?.items?.first)
    #expect(told["state"]?.text == "offline")
    #expect(told["reason"]?.text == "no answer within 1s")
    #expect(told["faults"]?["timeout"]?.whole == 4)
  }

  @Test func `a page that cannot be asked is seen by the control socket, with the reason`() throws {
    let page = ListenerBoard(name: "page", place: "http://127.0.0.1:8470/")
    #expect(page.status.isListening == nil)
    #expect(page.fails("Address already in use"))
    #expect(!page.fails("Address already in use"), "the same again is no news")
    #expect(page.fails("Cannot assign requested address"))
    let failing = state(listeners: [page.status])
    let told = try #require(JSON(failing.json)?["listeners"]?.items?.first)
    #expect(told["name"]?.text == "page" && told["listening"]?.flag == false)
    #expect(told["place"]?.text == "http://127.0.0.1:8470/")
    #expect(told["reason"]?.text == "Cannot assign requested address" && told["since"] != nil)
    #expect(failing.metrics.contains("lotline_listener_up{listener=\"page\"} 0\n"))
    #expect(failing.metrics.contains("lotline_listener_failures_total{listener=\"page\"} 3\n"))
    page.listens(at: "http://127.0.0.1:8470/")
    #expect(page.status.isListening == true && page.status.reason == nil)
    #expect(state(listeners: [page.status]).metrics.contains("lotline_listener_up{listener=\"page\"} 1\n"))
  }

  @Test func `metrics have one line a sample, labels escaped`() {
    var device = DeviceStatus(name: "gun\"1\\\n", station: "ST10", kind: "serial", address: "/dev/ttyS0")
    device.faults = ["frame": 2]
    device.good = 12
    let lines = state(devices: [device]).metrics.split(separator: "\n").map(String.init)
    #expect(lines.contains("lotline_queue_depth_events 3"))
    #expect(lines.contains(#"lotline_device_polls_total{device="gun\"1\\\n"} 12"#))
    #expect(lines.contains(#"lotline_device_faults_total{device="gun\"1\\\n",kind="frame"} 2"#))
    #expect(lines.contains("lotline_forward_up 1"))
    let samples = lines.filter { !$0.hasPrefix("#") }
    #expect(samples.allSatisfy { $0.split(separator: " ").last.flatMap { Double($0) } != nil })
    for family in Set(samples.map { $0.prefix { $0 != "{" && $0 != " " } }) {
      #expect(lines.contains { $0.hasPrefix("# TYPE \(family) ") }, "\(family)")
    }
  }
}

/// Markup and words.
struct EdgeWordsTests {
  private func words(_ data: some EventData) -> EventWords? {
    let event = Event(data, at: .now(), subject: "ST10")
    return EventWords(line: event.line(source: SourceName("a")!, incarnation: .random(), sequence: 4))
  }

  @Test func `text is escaped, markup is not`() {
    let text = "<script>alert(\"1\")</script> & 'x'\u{1D}\u{202E}"
    let html: HTML = "<b>\(text)</b>\("<i>" as HTML)"
    #expect(
      html.description
        == "<b>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;\u{241D}\u{FFFD}</b><i>")
  }

  @Test func `a scan is told with what it means, or why it means nothing`() {
    let good = ScanData(device: "gun-1", raw: Array("SN1\r".utf8), text: "SN1", roles: [.init("unit", "SN1")])
    #expect(words(good)?.words == "gun-1 read SN1: unit SN1")
    #expect(words(good)?.sequence == 4)
    let unknown = ScanData(device: "gun-1", raw: [0x41, 0x0D], text: "A")
    #expect(words(unknown)?.words == "gun-1 read A, which no rule knows")
    let damaged = ScanData(device: "gun-1", raw: [0xFF], text: nil, problem: "not UTF-8")
    #expect(words(damaged)?.words == "gun-1 read bytes ff: not UTF-8")
    #expect(words(damaged)?.tone == "bad")
  }

  @Test func `a cycle is told with unit, materials, values and what is wrong`() {
    let stamp = Stamp(
      station: "ST10",
      fields: [
        .init(name: "unit", value: "SN1", by: .sequence(3)),
        .init(name: "materials.coil", value: "C-5", by: .sequence(2)),
      ])
    let cycle = CycleData(
      device: "press-1", trigger: 17, after: nil, tags: [Tag("peak-force", .double(131.5))], result: "pass",
      outside: ["peak-force"], stamp: stamp)
    #expect(
      words(cycle)?.words
        == "press-1 cycle 17: pass; unit SN1; coil C-5; peak-force 131.5; outside its limits: peak-force")
    #expect(words(cycle)?.tone == "bad")
  }

  @Test func `a gap says what, of what, and why`() {
    let gap = GapData(kind: .missedCycles, device: "press-1", count: 3, reason: "the counter went from 4 to 8")
    #expect(words(gap)?.words == "missing: missed-cycles of press-1, 3: the counter went from 4 to 8")
  }
}

/// Times for people.
struct WallClockTests {
  private let now = Timestamp("2026-11-24T10:55:03.123456Z")!
  private let shanghai = TimeZone(identifier: "Asia/Shanghai")!

  @Test func `times of today need no date, others have it, and the exact form stands beside`() {
    let clock = WallClock(now: now, zone: shanghai)
    #expect(clock.text(now) == "18:55:03")
    // Yesterday by UTC, and today on the wall.
    #expect(clock.text(Timestamp("2026-11-23T16:00:00Z")!) == "00:00:00")
    #expect(clock.text(Timestamp("2026-11-23T15:59:59.999999Z")!) == "2026-11-23 23:59:59")
    #expect(clock.whole(now) == "2026-11-24 18:55:03 GMT+8")
    #expect(WallClock(now: now, zone: .gmt).whole(now) == "2026-11-24 10:55:03 UTC")
    #expect(
      clock.html(now).description
        == "<time datetime=\"2026-11-24T10:55:03.123456Z\" title=\"2026-11-24T10:55:03.123456Z\">18:55:03</time>")
  }

  @Test func `a gap in words has its times from the wall`() throws {
    let gap = GapData(kind: .deviceOffline, device: "press-1", from: now, to: now.adding(.seconds(60)))
    let line = Event(gap, at: .now(), subject: "ST10")
      .line(source: SourceName("a")!, incarnation: .random(), sequence: 1)
    let clock = WallClock(now: now, zone: shanghai)
    #expect(
      EventWords(line: line) { clock.text($0) }?.words
        == "missing: device-offline of press-1, from 18:55:03 to 18:56:03")
  }
}

/// Where a service listens, and who may ask.
struct ListenerTests {
  @Test(arguments: [
    ("127.0.0.1:8470", "127.0.0.1", 8470, true), ("[::1]:0", "::1", 0, true), ("localhost:1", "localhost", 1, true),
    ("0.0.0.0:8480", "0.0.0.0", 8480, false), ("pc3.plant1:8470", "pc3.plant1", 8470, false),
  ])
  func `an address is read with its port`(_ text: String, _ host: String, _ port: Int, _ isLoopback: Bool) throws {
    let listener = try #require(WebListener(text))
    #expect(listener.host == host)
    #expect(listener.port == port)
    #expect(listener.isLoopback == isLoopback)
  }

  @Test(arguments: ["", "8470", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", ":80", "a:b"])
  func `what is no address is refused`(_ text: String) { #expect(WebListener(text) == nil) }

  @Test func `a token is taken as bearer, or as a browser's password`() throws {
    let token = try #require(BearerToken("0123456789abcdef"))
    #expect(token.isShown(in: "Bearer 0123456789abcdef"))
    #expect(token.isShown(in: "bearer 0123456789abcdef"))
    #expect(token.isShown(in: "Basic bGluZTowMTIzNDU2Nzg5YWJjZGVm"))
    #expect(!token.isShown(in: "Bearer 0123456789abcdeg"))
    #expect(!token.isShown(in: "Bearer 0123456789abcde"))
    #expect(!token.isShown(in: "0123456789abcdef"))
    #expect(!token.isShown(in: nil))
    #expect("\(token)" == "***")
    #expect(BearerToken("too short") == nil)
  }

  @Test(arguments: [
    ("localhost:8470", true), ("127.0.0.1:8470", true), ("127.9.9.9", true), ("[::1]:8470", true),
    ("evil.example:8470", false), ("127.0.0.1.evil.example", false), ("127.evil", false),
  ])
  func `without a token only loopback's names are answered`(_ host: String, _ isLoopback: Bool) {
    #expect(TokenGuard<BasicRequestContext>.isLoopback(host) == isLoopback)
  }
}
