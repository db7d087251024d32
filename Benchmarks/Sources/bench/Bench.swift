import Foundation

/// `bench [NAME...] [--rounds N] [--events N] [--seconds N] [--json FILE]`: measures, prints a table, writes the figures as JSON.
@main
struct Bench {
  var rounds = 5
  /// Of the ingest and of the backlog.
  var events = 200_000
  /// Of the steady load.
  var seconds = 720
  var json: String?
  var chosen: Set<String> = []

  static let names = ["requests", "appends", "accept", "poll", "scale", "rate", "memory", "garbage", "ingest", "drain"]
  /// What takes long and is measured only where it is asked for.
  static let onDemand = ["steady"]

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      if arguments.first == PollBench.child { return try PollBench.runChild(Array(arguments.dropFirst())) }
      let bench = try Bench(arguments)
      try await bench.run()
    } catch {
      FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
      exit(1)
    }
  }

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    func value<Value>(_ option: String, _ read: (String) -> Value?) throws -> Value {
      guard let text = rest.popFirst(), let value = read(text) else { throw BenchFailure("\(option) needs a value") }
      return value
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--rounds": rounds = try value(argument) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
      case "--events": events = try value(argument) { Int($0).flatMap { $0 >= 10_000 ? $0 : nil } }
      case "--seconds": seconds = try value(argument) { Int($0).flatMap { $0 >= 10 ? $0 : nil } }
      case "--json": json = try value(argument) { $0 }
      case _ where (Self.names + Self.onDemand).contains(argument): chosen.insert(argument)
      default:
        throw BenchFailure(
          "\"\(argument)\" is not known; allowed are --rounds N, --events N (from 10000), --seconds N (from 10), "
            + "--json FILE and " + (Self.names + Self.onDemand).joined(separator: ", "))
      }
    }
  }

  func run() async throws {
    var found: [Measurement] = []
    let wanted = chosen.isEmpty ? Self.names : (Self.names + Self.onDemand).filter(chosen.contains)
    for name in wanted {
      FileHandle.standardError.write(Data("measuring \(name), \(rounds) rounds\n".utf8))
      switch name {
      case "requests": found += try await requestBench(rounds: rounds)
      case "appends": found += try await appendBench(rounds: rounds)
      case "accept": found += try await AcceptBench.measure(rounds: rounds)
      case "poll": found += try await PollBench.measure(rounds: rounds)
      case "scale": found += try await ScaleBench.measure(rounds: rounds)
      case "rate": found += try await RateBench.measure(rounds: rounds)
      case "memory": found += try await memoryBench(rounds: rounds)
      case "garbage": found += try await GarbageBench.measure()
      case "steady": found += try await SteadyBench.measure(seconds: seconds)
      case "ingest": found += try await ingestBench(rounds: rounds, events: events)
      default: found += try await drainBench(rounds: rounds, events: events)
      }
    }
    print(
      ([Measurement.heading, Measurement.heading.map { _ in "---" }] + found.map(\.row)).map { row in
        "| \(row.joined(separator: " | ")) |"
      }.joined(separator: "\n"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let data = try encoder.encode(found)
    if let json {
      try data.write(to: URL(filePath: json))
    } else {
      print(String(decoding: data, as: UTF8.self))
    }
  }
}
