import ArgumentParser
import Events
import Foundation

struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "The newest events of the edge, or (--central) of the central.",
    discussion: """
      EXAMPLES
        lotline events --type scan --limit 5
        lotline events --follow
        lotline events --central http://127.0.0.1:8480 --json
      """)

  @OptionGroup var place: CentralOptions
  @OptionGroup var output: OutputOptions

  @Flag(help: "Go on with each new event until Ctrl-C.")
  var follow = false

  @Option(help: "How many to begin with.")
  var limit = 20

  @Option(help: "Only events of this type (`cycle`, `scan`, …).")
  var type: String?

  func run() async throws {
    try await reporting {
      if place.central != nil {
        try await showCentral(try place.asking())
      } else {
        try await showEdge(try .edge(place.config))
      }
    }
  }

  private func showCentral(_ asking: Asking) async throws {
    if follow { throw ValidationError("--follow asks the edge; leave --central out") }
    var path = "/v1/events?newest=true&limit=\(limit)"
    if let type { path += "&type=\(percentEncoded(fullType(type)))" }
    let lines = try await asking.get(path, accept: "application/x-ndjson").body.split(separator: 0x0A)
    show(Array(lines.reversed().joined(separator: [0x0A])))
  }

  private func showEdge(_ asking: Asking) async throws {
    var answer = try await asking.get("/v1/events?limit=\(limit)", accept: "application/x-ndjson")
    show(answer.body)
    while follow {
      guard let first = answer.header(Batch.Header.first).flatMap({ UInt64($0) }),
        let incarnation = answer.header(Batch.Header.incarnation)
      else { throw Asking.Failure(description: "the edge's answer lacks its Lotline headers") }
      let after = first - 1 + UInt64(answer.body.count { $0 == 0x0A })
      answer = try await asking.get(
        "/v1/events?after=\(after)&incarnation=\(incarnation)&wait=30&limit=1000", accept: "application/x-ndjson")
      show(answer.body)
    }
  }

  private func show(_ body: [UInt8]) {
    for line in body.split(separator: 0x0A) {
      guard let envelope = try? Envelope(line: line) else { continue }
      if let type, envelope.type != fullType(type) { continue }
      if output.json {
        output.printRaw(Array(line))
      } else {
        let start = line.startIndex
        let data = line[(start + envelope.data.lowerBound)..<(start + envelope.data.upperBound)]
        output.printRaw(Array(EventSentence(envelope: envelope, data: JSON(data) ?? .null).line.utf8))
      }
    }
  }

  private func fullType(_ name: String) -> String { name.hasPrefix("lotline.") ? name : "lotline.\(name)" }
}

/// An event in a line for people: number, time, subject, and what it says.
struct EventSentence {
  let envelope: Envelope
  let data: JSON

  var line: String {
    let type = envelope.type.replacing("lotline.", with: "")
    return visible("\(envelope.id.sequence)  \(envelope.time)  \(envelope.subject)  \(type)  \(said)")
  }

  /// The text of a settings file is too much for a line; that of a scan is the point.
  private var isScan: Bool { envelope.type == EventType.scan.rawValue }

  private var said: String {
    let known: [String?] = [
      data["device"]?.text, data["kind"]?.text, data["state"]?.text, isScan ? data["text"]?.text : nil,
      data["field"]?.text,
      data["to"]?.text, data["trigger"]?.whole.map { "#\($0)" }, data["result"]?.text,
      data["stamp"]?["unit"]?.text.map { "unit \($0)" }, data["count"]?.whole.map { "count \($0)" },
      data["problem"]?.text, data["reason"]?.text, data["why"]?.text, data["file"]?.text,
      data["tags"]?.members.map(tags),
    ]
    return known.compactMap { $0 }.joined(separator: "  ")
  }

  private func tags(_ members: [JSON.Member]) -> String {
    members.map { member in
      switch TagValue(member.value) {
      case .bool(let value): "\(member.name)=\(value)"
      case .int(let value): "\(member.name)=\(value)"
      case .double(let value): "\(member.name)=\(value)"
      case .decimal(let value): "\(member.name)=\(value)"
      case .string(let value): "\(member.name)=\(value)"
      case .bad(let reason, _): "\(member.name)=bad(\(reason))"
      case nil: "\(member.name)=?"
      }
    }.joined(separator: " ")
  }
}
