import ArgumentParser
import Events

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "What went into a unit or lot, or where it went, as far as is known.",
    discussion: """
      Exit status 1 where something is unknown or only possible: the answer is then not the whole truth.

      EXAMPLES
        lotline trace SN00042 --central http://127.0.0.1:8480
        lotline trace lot:C-55 --direction forward --central http://127.0.0.1:8480
      """)

  @Argument(help: "unit:ID, lot:ID, or an ID alone (a unit is looked for first).")
  var id: String

  @Option(help: "backward: what went in; forward: where it went.")
  var direction: Direction = .backward

  @OptionGroup var central: CentralOptions
  @OptionGroup var output: OutputOptions

  enum Direction: String, ExpressibleByArgument, CaseIterable {
    case backward, forward
  }

  func run() async throws {
    try await reporting {
      let asking = try central.asking()
      let answer = try await find(asking)
      if output.json {
        output.printRaw(answer.body)
      } else if let trace = answer.json {
        show(trace)
      }
      let doubts = (answer.json?["possible"]?.items?.count ?? 0) + (answer.json?["unknown"]?.items?.count ?? 0)
      if doubts > 0 { throw ExitCode(1) }
    }
  }

  private func find(_ asking: Asking) async throws -> Asking.Answer {
    func path(_ node: String) -> String { "/v1/trace?from=\(percentEncoded(node))&direction=\(direction.rawValue)" }
    if id.hasPrefix("unit:") || id.hasPrefix("lot:") { return try await asking.get(path(id)) }
    do {
      return try await asking.get(path("unit:\(id)"))
    } catch let failure as Asking.Failure where failure.status == 404 {
      do {
        return try await asking.get(path("lot:\(id)"))
      } catch let failure as Asking.Failure where failure.status == 404 {
        throw Asking.Failure(
          description: "asking \(asking.door): no event names a unit or a lot \"\(id)\"", status: failure.status)
      }
    }
  }

  private func show(_ trace: JSON) {
    let from = trace["from"]
    print(visible("\(direction.rawValue) from \(from?["kind"]?.text ?? "?") \(from?["id"]?.text ?? "?")"))
    var table = Table("CERTAINTY", "DEPTH", "NODE", "REASON")
    for certainty in ["certain", "possible"] {
      for node in trace[certainty]?.items ?? [] {
        table.add(
          certainty, node["depth"]?.whole.map(String.init) ?? "",
          "\(node["kind"]?.text ?? "?") \(node["id"]?.text ?? "?")",
          node["reason"]?.text ?? "")
      }
    }
    for gap in trace["unknown"]?.items ?? [] {
      table.add("unknown", "", gap["gap"]?.text ?? "", gap["reason"]?.text ?? "")
    }
    if table.isEmpty { print("nothing is linked to it") } else { table.show() }
    if trace["truncated"]?.flag == true { print("there is more: the walk was cut at its limit") }
  }
}

struct GapsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gaps", abstract: "The ledger of what is missing or looks wrong, as the central keeps it.",
    discussion: """
      A gap is missing; a finding looks wrong, and nothing is missing for it.
      Exit status 1 where one is open.

      EXAMPLES
        lotline gaps --open --central http://127.0.0.1:8480
        lotline gaps --station ST10 --json --central http://127.0.0.1:8480
      """)

  @Flag(help: "Only what is open.")
  var open = false

  @Option(help: "Only what is of this station.")
  var station: String?

  @OptionGroup var central: CentralOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let asking = try central.asking()
      var path = "/v1/gaps?limit=500"
      if open { path += "&state=open" }
      if let station { path += "&station=\(percentEncoded(station))" }
      var gaps: [JSON] = []
      var next: String?
      repeat {
        let answer = try await asking.get(path + (next.map { "&cursor=\(percentEncoded($0))" } ?? ""))
        gaps += answer.json?["items"]?.items ?? []
        next = answer.json?["next"]?.text
      } while next != nil
      show(gaps)
      if gaps.contains(where: { $0["state"]?.text == "open" }) { throw ExitCode(1) }
    }
  }

  private func show(_ gaps: [JSON]) {
    if output.json {
      var writer = JSONWriter()
      writer.object { $0.field("items", JSON.array(gaps)) }
      output.printRaw(writer.bytes)
      return
    }
    var table = Table("STATE", "WHAT", "KIND", "STATION", "FROM", "TO", "REASON")
    for gap in gaps {
      let what = gap["finding"] == .bool(true) ? "finding" : "gap"
      let cells = ["kind", "station", "from", "to", "reason"].map { gap[$0]?.text ?? "" }
      table.add([gap["state"]?.text ?? "", what] + cells)
    }
    if table.isEmpty { print("no gap and no finding") } else { table.show() }
  }
}
