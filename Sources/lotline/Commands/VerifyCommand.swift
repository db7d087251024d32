import ArgumentParser
import Events
import Foundation
import Queue
import Store

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Follows the hash chain and names the first event that is not as it was written.",
    discussion: """
      Without a file: the queue of this PC, through the daemon where it runs. FILE is a queue, a store, or an export \
      (event lines). Exit status 1 where something is wrong.

      EXAMPLES
        lotline verify
        lotline verify export.ndjson
      """)

  @Argument(help: "A queue, a store, or an export; - for an export on standard input.")
  var file: String?

  @Option(
    help: "The hash before the export's first line (64 hex digits); default for an export from event 1: 32 zero bytes.")
  var previous: String?

  @Option(help: "The hash that the export's last line must lead to, from a receipt or an older export.")
  var head: String?

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let verdict = try await check()
      if output.json {
        var writer = JSONWriter()
        writer.object { writer in
          writer.field("good", verdict.good)
          writer.field("bad", verdict.bad)
        }
        output.printRaw(writer.bytes)
      } else {
        print(visible(verdict.words))
      }
      if verdict.bad != nil { throw ExitCode(1) }
    }
  }

  struct Verdict {
    let good: UInt64
    let bad: String?
    let words: String
  }

  private func check() async throws -> Verdict {
    guard let file else { return try await checkRunningQueue() }
    return try await checkFile(file)
  }

  private func checkRunningQueue() async throws -> Verdict {
    let settings = try EdgeSettings.read(edge.config)
    let socket = settings.controlSocket(environment: ProcessInfo.processInfo.environment)
    let asking = Asking(door: .socket(path: socket), token: nil, authorityFile: nil)
    guard let answer = try? await asking.send("/v1/verify", method: "POST"), let json = answer.json else {
      return try await checkFile(settings.queue.path)
    }
    return Verdict(
      good: json["good"]?.whole.flatMap { UInt64(exactly: $0) } ?? 0, bad: json["bad"]?.text,
      words: json["words"]?.text ?? "")
  }

  private func checkFile(_ path: String) async throws -> Verdict {
    guard path == "-" || FileManager.default.isReadableFile(atPath: path) else {
      throw Asking.Failure(description: "verifying \(path): there is no file of that name that can be read")
    }
    guard Self.isDatabase(path) else { return Verdict(try checkExport(path)) }
    if let store = try await TraceStore.verification(ofStoreAt: path) {
      return Verdict(good: store.good, bad: store.firstBad, words: store.description)
    }
    return Verdict(try QueueVerdict.ofQueue(at: path))
  }

  private func checkExport(_ path: String) throws -> QueueVerdict {
    let input = path == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
    var check = ExportCheck(previous: try hash(previous, of: "--previous"), head: try hash(head, of: "--head"))
    var rest = Data()
    while let part = try input.read(upToCount: 1 << 20), !part.isEmpty {
      rest.append(part)
      while let end = rest.firstIndex(of: 0x0A) {
        check.take(Array(rest[rest.startIndex..<end]))
        rest = Data(rest[rest.index(after: end)...])
      }
    }
    if !rest.isEmpty { check.take(Array(rest)) }
    return check.finish()
  }

  private func hash(_ text: String?, of option: String) throws -> ChainHash? {
    guard let text else { return nil }
    guard let hash = ChainHash(text) else {
      throw ValidationError("\(option) takes the 64 lower-case hex digits of a hash")
    }
    return hash
  }

  private static func isDatabase(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path), let start = try? file.read(upToCount: 15) else { return false }
    return start == Data("SQLite format 3".utf8)
  }
}

extension VerifyCommand.Verdict {
  init(_ verdict: QueueVerdict) {
    self.init(
      good: verdict.good, bad: verdict.firstBad.map { "\($0.place): \($0.reason)" }, words: verdict.description)
  }
}
