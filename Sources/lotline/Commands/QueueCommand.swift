import ArgumentParser
import Events
import Foundation
import Queue
import Settings
import Web

struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "What is in the queue of this PC, how old it is, and why it is not empty.",
    discussion: """
      Without a file: the queue of the settings, through the daemon where it runs. FILE is a queue that no daemon has \
      open, or a copy. Exit status 1 where events are refused now.

      EXAMPLES
        lotline queue
        lotline queue --json
      """)

  @Argument(help: "A queue that no daemon has open, or a copy of one.")
  var file: String?

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let (report, keep, central) = try await look()
      if output.json {
        var writer = JSONWriter()
        writer.object { writer in
          report.write(to: &writer)
          writer.key("reasons")
          writer.array { writer in for reason in report.reasons(keep: keep, central: central) { writer.value(reason) } }
        }
        output.printRaw(writer.bytes)
      } else {
        show(report, report.reasons(keep: keep, central: central))
      }
      if report.refusing != nil { throw ExitCode(1) }
    }
  }

  /// The report, how long safe rows are kept, and how the sending stands.
  private func look() async throws -> (QueueReport, keep: String?, central: String) {
    if let file {
      return (try QueueReport.ofQueue(at: file), nil, "nothing is sent from a file that no daemon has open")
    }
    let settings = try EdgeSettings.read(edge.config)
    let keep = format(settings.queue.keep)
    do {
      guard let json = try await edge.asking().get("/v1/queue").json, let report = QueueReport(json) else {
        throw Asking.Failure(description: "the edge's answer is not JSON: is another program at its socket?", status: 0)
      }
      return (report, keep, json["central"]?.text ?? "")
    } catch let failure as Asking.Failure where failure.status == nil {
      var report = try QueueReport.ofQueue(at: settings.queue.path)
      report.limitBytes = settings.queue.limitBytes
      return (report, keep, "the daemon does not run, so that nothing is sent")
    }
  }

  private func show(_ report: QueueReport, _ reasons: [String]) {
    let clock = WallClock(now: Moment.now().time)
    let limit = report.limitBytes.map { " of \(megabytes($0))" } ?? ""
    print(visible("\(report.path): \(report.rows) events, \(megabytes(report.bytes))\(limit)"))
    if let refusing = report.refusing { print(visible("not capturing: \(refusing)")) }
    if let free = report.freeBytes { print("room until events are refused: \(megabytes(free))") }
    if let oldest = report.oldest {
      let age = format(.seconds(Int64(max(0, clock.now.since(oldest).inSeconds))))
      print("the oldest is of \(clock.whole(oldest)), \(age) ago")
    }
    if !reasons.isEmpty { print("why it is not empty:") }
    for reason in reasons { print(visible("  \(reason)")) }
    guard !report.lives.isEmpty else { return }
    print("")
    var table = Table("INCARNATION", "EVENTS", "FIRST", "LAST", "RECEIVED", "SAFE", "HELD")
    for life in report.lives {
      table.add(
        life.incarnation.description, "\(life.rows)", "\(life.first)", "\(life.last)", "\(life.received)",
        "\(life.safe)", "\(life.held)")
    }
    table.show()
  }

  private func megabytes(_ bytes: Int) -> String {
    bytes < 10_000_000 ? "\(bytes / 1000) kB" : "\(bytes / 1_000_000) MB"
  }
}
