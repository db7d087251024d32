import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

@testable import lotline

/// An edge on PLCs that make pieces and scanners that scan, whose settings a test changes under way.
struct ReloadBench {
  let plcs: [SerialPLC]
  let scanners: [InsistentScanner]
  let line: LineFolder
  private let links: ScratchFolder

  init(plcs count: Int, scanners guns: Int = 0) async throws {
    plcs = try await SerialPLC.some(count)
    let links = try ScratchFolder()
    self.links = links
    scanners = try (0..<guns).map { try InsistentScanner(name: "gun-\($0 + 1)", link: links.file("gun-\($0 + 1)")) }
    line = try LineFolder(
      plcs: plcs.map { .init($0) }, scanners: scanners.map { .init(name: $0.name, link: $0.link) }, pulled: true)
  }

  /// Runs the edge and the PLCs while `body` does, from the moment at which each PLC has made a piece.
  func run(_ body: (LineFolder, Program) async throws -> Void) async throws {
    let load = Task {
      await withDiscardingTaskGroup { group in for plc in plcs { group.addTask { await plc.run() } } }
    }
    defer { load.cancel() }
    let edge = try line.startEdge()
    try await eventually("all are online; \(edge.said.suffix(600))") {
      guard let status = try? await status() else { return false }
      return status["devices"]?.items?.allSatisfy { $0["state"]?.text == "online" } == true
    }
    try await moves("each PLC makes pieces; \(edge.said.suffix(600))")
    try await body(line, edge)
    load.cancel()
    await load.value
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
  }

  /// Waits until each PLC has had two more pieces acknowledged: one of them was begun after the call.
  func moves(_ what: String) async throws {
    for plc in plcs {
      let before = await plc.acknowledged.count
      try await eventually("\(what): \(plc.name)") { await plc.acknowledged.count > before + 1 }
    }
  }

  /// Scans a code once, and gives the answer.
  func scan(_ code: String, _ scanner: Int) async throws -> [UInt8] { try await scanners[scanner].scan(code) }

  // MARK: What the edge says

  func status() async throws -> JSON { try await ask("GET", "/v1/status") }

  /// Asks over the control socket.
  func ask(_ method: String, _ path: String) async throws -> JSON {
    let edge = Asking(door: .socket(path: line.scratch.file("edge.sock")), token: nil, authorityFile: nil)
    return try #require(try await edge.send(path, method: method).json)
  }

  func metrics() async throws -> String {
    String(decoding: try await CentralAnswers(url: line.edgeURL).get("/metrics").body, as: UTF8.self)
  }

  /// All events so far, from the first.
  func events() async throws -> [JSON] {
    var events: [JSON] = []
    while true {
      let answer = try await CentralAnswers(url: line.edgeURL).get("/v1/events?after=\(events.count)&limit=1000")
      let more = answer.body.split(separator: UInt8(ascii: "\n")).compactMap { JSON(Array($0)) }
      if more.isEmpty { return events }
      events += more
    }
  }

  // MARK: What the system says

  /// The edge's connections to each PLC, by the ports of its own side.
  func connections() throws -> [Set<String>] {
    let rows = try Self.lines(of: "/proc/net/tcp").dropFirst()
    return plcs.map { plc in
      let port = ":" + String(plc.port, radix: 16, uppercase: true)
      let mine = rows.map { $0.split(separator: " ").map(String.init) }.filter {
        $0[2].hasSuffix(port) && $0[3] == "01"
      }
      return Set(mine.map { $0[1] })
    }
  }

  /// The lines of a file that says that it is empty, and gives a page with each read.
  private static func lines(of path: String) throws -> [Substring] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Impatience(description: "\(path) cannot be read") }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var page = [UInt8](repeating: 0, count: 65536)
    while case let count = read(descriptor, &page, page.count), count > 0 { text += page[..<count] }
    return String(decoding: text, as: UTF8.self).split(separator: "\n")
  }

  /// The entries of a folder of /proc about the process.
  func count(_ folder: String, of program: Program) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.processIdentifier)/\(folder)").count) ?? 0
  }

  /// Compares what PLCs and scanners had acknowledged with what is recorded: all of it, each cycle once.
  func compare() async throws {
    // First what was acknowledged: pieces go on being made.
    var acknowledged: [String: Set<UInt32>] = [:]
    for plc in plcs { acknowledged[plc.name] = await plc.acknowledged }
    let events = try await events()
    var serials: [String: [Int64]] = [:]
    var codes: [String: Set<String>] = [:]
    for event in events {
      if event["type"]?.text == "lotline.cycle", let cycle = event["data"].flatMap({ CycleData($0) }),
        case .int(let serial)? = cycle.tags.first(where: { $0.name == "serial" })?.value
      {
        serials[cycle.device, default: []].append(serial)
      }
      if event["type"]?.text == "lotline.scan", let scan = event["data"].flatMap({ ScanData($0) }), let text = scan.text
      {
        codes[scan.device, default: []].insert(text)
      }
      if let gap = event["data"].flatMap({ GapData($0) }) { #expect(gap.kind != .missedCycles, "\(gap)") }
    }
    for plc in plcs {
      let recorded = serials[plc.name] ?? []
      #expect(Set(recorded).count == recorded.count, "\(plc.name): a cycle twice")
      #expect(
        acknowledged[plc.name, default: []].isSubset(of: Set(recorded.map { UInt32($0) })),
        "\(plc.name): a cycle is lost")
    }
    for scanner in scanners {
      let acknowledged = await scanner.acknowledged
      #expect(!acknowledged.isEmpty && acknowledged.isSubset(of: codes[scanner.name] ?? []), "\(scanner.name)")
    }
  }
}
