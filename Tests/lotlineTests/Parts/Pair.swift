import Events
import Foundation
import Glibc
import TestParts
import Testing

/// An edge with one scanner and its central, both the real program; scans are made one by one and remembered.
final class Pair {
  let line: LineFolder
  private let gun: InsistentScanner
  /// As long as it is there, the scanner's port has its name.
  private let links: ScratchFolder
  private(set) var edge: Program
  private(set) var central: Program
  let relay: AnswerRelay?
  /// The codes whose acknowledge came.
  var accepted: Set<String> = []

  /// - Parameters:
  ///   - keep: how long the edge keeps what is safe.
  ///   - severed: that the edge reaches the central through a relay that can cut off an answer.
  init(keep: String = "30d", severed: Bool = false) async throws {
    links = try ScratchFolder()
    gun = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    line = try LineFolder(plcs: [], scanners: [.init(name: gun.name, link: gun.link)])
    try line.change("edge.yaml", "queue.db }", to: "queue.db, keep: \(keep) }")
    relay = severed ? try AnswerRelay(before: line.centralPort) : nil
    if let relay { try line.change("edge.yaml", ":\(line.centralPort)\"", to: ":\(relay.port)\"") }
    central = try line.startCentral()
    edge = try line.startEdge()
    try await answers.ready()
  }

  var answers: CentralAnswers { CentralAnswers(url: line.centralURL) }

  func startCentral() async throws {
    central = try line.startCentral()
    try await answers.ready()
  }

  func startEdge() async throws { edge = try line.startEdge() }

  func stop(_ program: Program) async throws {
    program.signal(SIGTERM)
    #expect(try await program.ended(within: .seconds(30)) == 0, "\(program.said)")
  }

  func run(_ arguments: String...) async throws -> (status: Int32, output: String, messages: String) {
    try await Program.run(arguments, in: line.scratch)
  }

  /// Scans SN1, SN2, … until each is acknowledged.
  func scan(_ numbers: ClosedRange<Int>) async throws {
    for number in numbers {
      try await gun.insist("SN\(number)", at: line.edgeURL, edge)
      accepted.insert("SN\(number)")
    }
  }

  /// Waits until the central has all that was accepted, or the given units.
  func arrived(_ numbers: [Int]? = nil) async throws {
    let wanted = numbers.map { Set($0.map { "SN\($0)" }) } ?? accepted
    try await eventually("the central has \(wanted.sorted()); edge: \(edge.said.suffix(900))", within: .seconds(100)) {
      guard let scans = try? await scans() else { return false }
      let missing = wanted.subtracting(scans)
      return missing.isEmpty ? true : missing.isSubset(of: try await evidence())
    }
  }

  private func scans() async throws -> [String] {
    try await answers.all("/v1/events?type=lotline.scan&limit=1000").compactMap {
      $0["data"].flatMap { ScanData($0) }?.text
    }
  }

  func gaps(_ kind: String) async throws -> [JSON] { try await answers.all("/v1/gaps?limit=500&kind=\(kind)") }

  /// The incarnations of the line PC as the central knows them.
  func sources() async throws -> [JSON] {
    try await answers.json("/v1/sources")["items"]?.items?.first?["incarnations"]?.items ?? []
  }

  func status() async throws -> JSON {
    try #require(JSON(try await CentralAnswers(url: line.edgeURL).get("/v1/status").body))
  }
  func queue() async throws -> JSON { try #require(try await status()["queue"]) }

  func removeStore() throws {
    for end in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: line.scratch.file("central.db\(end)"))
    }
  }

  // MARK: The queue as an image has it

  private static let ends = ["", "-wal", ".marker"]

  func image() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    for end in Self.ends {
      try? FileManager.default.copyItem(
        atPath: line.scratch.file("queue.db\(end)"), toPath: folder.file("queue.db\(end)"))
    }
    return folder
  }

  func putBack(_ image: ScratchFolder) throws {
    for end in Self.ends {
      let path = line.scratch.file("queue.db\(end)")
      try? FileManager.default.removeItem(atPath: path)
      try? FileManager.default.copyItem(atPath: image.file("queue.db\(end)"), toPath: path)
    }
  }

  /// Another PC with all that this one has, at the same central, with a scanner of its own.
  struct Clone {
    let folder: ScratchFolder
    let gun: InsistentScanner
    let edge: Program
    let url: String

    func scan(_ number: Int) async throws { try await gun.insist("SN\(number)", at: url, edge) }
  }

  func clone() async throws -> Clone {
    let folder = try image()
    let other = try InsistentScanner(name: "gun-1", link: folder.file("gun-1"))
    try FileManager.default.copyItem(atPath: line.scratch.file("devices"), toPath: folder.file("devices"))
    let port = try freePort()
    let settings = try String(contentsOfFile: line.edge, encoding: .utf8)
    try folder.write(
      "edge.yaml",
      settings.replacing(gun.link, with: other.link).replacing(line.scratch.path, with: folder.path)
        .replacing("127.0.0.1:\(line.edgePort)", with: "127.0.0.1:\(port)"))
    let edge = try Program(["edge", "run", "--config", folder.file("edge.yaml")], in: folder, name: "clone")
    return Clone(folder: folder, gun: other, edge: edge, url: "http://127.0.0.1:\(port)")
  }

  // MARK: What is said

  /// That the central has less than it said is told in the log, the status, the metrics, and at the central.
  func expectsRewind(isHere: Bool) async throws {
    #expect(edge.said.contains("critical the central has the events of "), "\(edge.said)")
    let rewind = try #require(try await queue()["rewind"])
    let words = rewind["words"]?.text ?? ""
    #expect(words.contains("It gets again what it lacks") == isHere, "\(words)")
    let metrics = String(decoding: try await CentralAnswers(url: line.edgeURL).get("/metrics").body, as: UTF8.self)
    #expect(metrics.contains(/lotline_queue_rewinds_total [1-9]/))
    try await eventually("the central's ledger has it") { try await !gaps("central-went-back").isEmpty }
    let told = try await run("status", "--config", line.edge)
    #expect(told.output.contains("it was put back from a backup, or is another one"), "\(told.output)")
  }

  /// A fork is told in the log and the status of the edge, and in the ledger of the central.
  func expectsNewLife() async throws {
    #expect(edge.said.contains("Both are kept; a new incarnation begins"), "\(edge.said)")
    #expect(try await status()["central"]?["conflict"]?.text != nil)
    try await eventually("the central's ledger has it") { try await !gaps("conflict").isEmpty }
    #expect(try await sources().count >= 2)
  }

  /// Every accepted code is in the store once, but for those that are `lost`; all chains lead to their heads.
  func compareAndStop(lost: Set<String> = []) async throws {
    let counts = Dictionary(try await scans().map { ($0, 1) }, uniquingKeysWith: +)
    let evidence = try await evidence()
    for code in accepted.subtracting(lost) {
      #expect(
        counts[code] == 1 || (counts[code] == nil && evidence.contains(code)),
        "\(code) is there \(counts[code] ?? 0) times")
    }
    for code in counts.keys { #expect(accepted.contains(code) && !lost.contains(code), "\(code) was not accepted") }
    if Program.hasPython {
      for incarnation in try await sources().compactMap({ $0["incarnation"]?.text }) {
        let run = try await Program.run(
          Program.python,
          ["\(Program.tree)/Tests/foreign/verify_chain.py", "\(line.centralURL)/v1/events?incarnation=\(incarnation)"],
          in: line.scratch)
        #expect(run.status == 0, "\(run)")
      }
    }
    try await stop(edge)
    try await stop(central)
    let verified = try await run("central", "verify", "--config", line.central)
    #expect(verified.status == 0, "\(verified)")
  }

  /// Codes in the lines that the central keeps beside its own: what was accepted on a branch before it was noticed.
  private func evidence() async throws -> Set<String> {
    let kept = try await CentralAnswers(url: line.centralURL).all("/v1/conflicts?limit=1000")
    return Set(kept.compactMap { $0["event"]?["data"].flatMap { ScanData($0) }?.text })
  }
}

extension InsistentScanner {
  /// Waits until the edge has the port open, and scans a code until it is acknowledged.
  func insist(_ code: String, at url: String, _ edge: Program) async throws {
    try await eventually("\(name) is online; \(edge.said.suffix(900))") {
      guard let answer = try? await CentralAnswers(url: url).get("/v1/devices"), let list = JSON(answer.body) else {
        return false
      }
      return (list["items"] ?? list["devices"])?.items?.first?["state"]?.text == "online"
    }
    var answers: [[UInt8]] = []
    for _ in 0..<6 {
      answers.append(try await scan(code))
      if answers.last?.contains(0x06) == true { break }
    }
    try #require(
      answers.last?.contains(0x06) == true, "\(code) is not taken but answered \(answers); \(edge.said.suffix(900))")
    note(code)
  }
}
