import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A line PC whose queue is long: gigabytes that wait for the central, or a week of a station's work.
///
/// `make proof` runs short forms; `make backlog` 10 GB and two million events, with the release program.
@Suite(
  .serialized, .enabled(if: Proof.isOn, "a sweep: runs in make proof, and in full in make backlog"),
  .enabled(if: Program.hasPython, "needs .parts/venv: make test makes it"))
struct `Proof: a long backlog` {
  private static let megabytes = Proof.number("LOTLINE_BACKLOG") ?? 200
  private static let week = Proof.number("LOTLINE_WEEK") ?? 50_000
  /// Whether limits that only the release program has are looked at.
  private static let isFull = Proof.number("LOTLINE_BACKLOG") != nil

  /// Rows may go as soon as they are safe: what is let go must hold the line up as little as what is sent.
  private func folder(_ gun: String) throws -> LineFolder {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: gun)])
    try line.change("edge.yaml", "queue: {", to: "queue: { limit: 100GB, keep: 1s,")
    return line
  }

  /// Starts the edge; how long it took until it said that it is ready.
  private func start(_ line: LineFolder) async throws -> (Program, Duration) {
    let manager = try NotifySocket(line.scratch)
    let begun = ContinuousClock.now
    let edge = try line.startEdge(environment: ["NOTIFY_SOCKET": manager.path])
    try await eventually("the edge is ready; \(edge.said)", within: .seconds(120), every: .milliseconds(2)) {
      manager.heard().contains { $0.contains("READY=1") }
    }
    let took = ContinuousClock.now - begun
    try await CentralAnswers(url: line.edgeURL).ready()
    try await eventually("the scanner is there; \(edge.said)") { edge.said.contains("gun-1 is online") }
    return (edge, took)
  }

  @Test(.timeLimit(minutes: 120))
  func `neither start, nor memory, nor the line's pace know of it, while it waits and while it drains`() async throws {
    let links = try ScratchFolder()
    let gun = try PacedScanner(link: links.file("gun-1"))
    let fresh = try folder(links.file("gun-1"))
    let (idle, idleStart) = try await start(fresh)
    let without = try await Pace.measured(fresh, gun, times: 400)
    let idleFootprint = try Footprint(of: idle)
    idle.signal(SIGTERM)
    #expect(try await idle.ended() == 0, "\(idle.said)")
    print("backlog: none: ready after \(idleStart), at most \(Int(idleFootprint.peak)) kB; \(without)")

    let line = try folder(links.file("gun-1"))
    let backlog = try await Backlog.readings(line.scratch.file("queue.db"), megabytes: Self.megabytes)
    let (edge, start) = try await start(line)
    let waiting = try await Pace.measured(line, gun, times: 400)
    let footprint = try Footprint(of: edge)
    print("backlog: \(backlog.events) events: ready after \(start), at most \(Int(footprint.peak)) kB; \(waiting)")
    try await drain(line, edge, gun, backlog, footprint)
    if Self.isFull { #expect(start < .seconds(2)) }
  }

  private func drain(
    _ line: LineFolder, _ edge: Program, _ gun: PacedScanner, _ backlog: Backlog, _ waiting: Footprint
  ) async throws {
    let central = try line.startCentral()
    let answers = CentralAnswers(url: line.centralURL)
    try await answers.ready()
    let begun = ContinuousClock.now
    var pace = Pace()
    var footprints: [(edge: Footprint, central: Footprint)] = []
    var unsent = Int64.max
    var seen = 0
    while unsent > 0 {
      pace.add(try await Pace.measured(line, gun, times: 16))
      footprints.append((try Footprint(of: edge), try Footprint(of: central)))
      let before = try await self.unsent(line)
      let source = try await answers.json("/v1/sources")["items"]?.items?.first
      unsent = try await self.unsent(line)
      // Between what the central said and what the line PC says lie a batch and the scans of this moment.
      if let behind = source?["behind"]?.whole, behind > 0 {
        #expect((unsent - 6000...before + 6000).contains(behind), "the central says \(behind)")
        seen += 1
      }
    }
    let took = (ContinuousClock.now - begun) / .seconds(1)
    #expect(seen > 0, "the central never said how far behind it is")
    let after = try Footprint(of: edge)
    print(
      """
      backlog: drained in \(Int(took)) s, \(Int(Double(backlog.events) / took)) events/s beside scans and questions; \
      edge at most \(Int(after.peak)) kB, own \(span(footprints.map(\.edge.kilobytes))) kB; \
      central own \(span(footprints.map(\.central.kilobytes))) kB; \(pace)
      """)
    if Self.isFull { #expect(after.peak < 60_000, "the edge took \(after.peak) kB") }
    // Flat: the second half of the drain needs no more than the first did.
    for footprint in [\(edge: Footprint, central: Footprint).edge, \.central] {
      let own = footprints.map { $0[keyPath: footprint].kilobytes }
      let halves = (own.prefix(max(1, own.count / 2)).max() ?? 0, own.suffix(own.count / 2 + 1).max() ?? 0)
      #expect(halves.1 < halves.0 + 8192, "memory grows: \(own)")
    }
    try await expectScans(gun, answers)
    for program in [edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(30)) == 0, "\(program.said)")
    }
  }

  private func span(_ values: [Double]) -> String { "\(Int(values.min() ?? 0)) to \(Int(values.max() ?? 0))" }

  private func unsent(_ line: LineFolder) async throws -> Int64 {
    try #require(try await CentralAnswers(url: line.edgeURL).json("/v1/status")["queue"]?["unsent"]?.whole)
  }

  private func expectScans(_ gun: PacedScanner, _ answers: CentralAnswers) async throws {
    let accepted = await gun.accepted
    let stored = try await answers.all("/v1/events?type=lotline.scan&limit=1000").compactMap {
      $0["data"]?["text"]?.text
    }
    #expect(stored == Array(accepted.suffix(stored.count)) && stored.count > 400, "scans are there once, in order")
  }

  @Test(.timeLimit(minutes: 60), arguments: [false, true])
  func `a week without network is caught up in order, nothing missing, nothing doubled`(isSecure: Bool) async throws {
    let line = try folder("/nowhere/gun-1")
    if isSecure { try await secure(line) }
    let backlog = try await Backlog.week(line.scratch.file("queue.db"), events: Self.week)
    let kept = try await LinesDigest(ofQueue: backlog.path, in: line.scratch)
    #expect(kept.lines == Int64(backlog.events))
    let central = try line.startCentral()
    try await eventually("the central listens; \(central.said)") {
      central.said.contains("127.0.0.1:\(line.centralPort)")
    }
    let edge = try line.startEdge()
    try await CentralAnswers(url: line.edgeURL).ready()
    let begun = ContinuousClock.now
    let left = try await unsent(line)
    try await eventually("all is at the central; \(edge.said)", within: .seconds(1800), every: .milliseconds(50)) {
      try await unsent(line) == 0
    }
    let took = (ContinuousClock.now - begun) / .seconds(1)
    print(
      """
      week: \(isSecure ? "TLS" : "no TLS"): \(backlog.events) events; \(left) in \(took) s, \
      \(Int(Double(left) / took)) events/s
      """)
    let url = isSecure ? "https://localhost:\(line.centralPort)" : line.centralURL
    let stored = try await LinesDigest(
      ofCentral: url, incarnation: kept.incarnation, count: backlog.events,
      authority: isSecure ? line.scratch.file("authority.pem") : nil, in: line.scratch)
    #expect(stored.sha256 == kept.sha256 && stored.lines == kept.lines)
    #expect(stored.all > stored.lines && stored.all < stored.lines + 100, "its own start follows, and little more")
    for program in [edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(30)) == 0, "\(program.said)")
    }
  }

  private func secure(_ line: LineFolder) async throws {
    try await Certificates.make(in: line.scratch)
    try line.change(
      "central.yaml", "web: { listen: \"127.0.0.1:\(line.centralPort)\"",
      to: """
        web: { listen: "127.0.0.1:\(line.centralPort)", certificate-file: \(line.scratch.file("central.pem")), \
        key-file: \(line.scratch.file("central.key"))
        """)
    try line.change(
      "edge.yaml", "central: { url: \"\(line.centralURL)\"",
      to: """
        central: { url: "https://localhost:\(line.centralPort)", ca-file: \(line.scratch.file("authority.pem"))
        """)
  }
}
