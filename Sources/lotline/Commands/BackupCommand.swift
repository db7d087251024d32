import ArgumentParser
import Events
import Foundation
import NIOCore
import Queue

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copies the queue of this PC to a file and verifies the copy.",
    discussion: """
      The daemon may run: it makes the copy a few pages at a time between its commits, as its own user. The file gets \
      its name once its chain was followed. A copy that is put in the place of the queue later is known to be old: it \
      begins another incarnation, and no event takes another's place.

      EXAMPLES
        lotline backup /var/lib/lotline/queue-copy.db
      """)

  @Argument(help: "The file to make; one that is there is not written over.")
  var file: String

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let json = try await backUp(absolutePath(file))
      if output.json {
        output.printRaw(json)
      } else {
        let backup = JSON(json)
        let last = backup?["last"]?.text.map { ", the last is \($0)" } ?? ""
        print(
          visible(
            "\(backup?["file"]?.text ?? "") has \(backup?["events"]?.whole ?? 0) events, verified\(last); "
              + "\(backup?["bytes"]?.whole ?? 0) bytes"))
      }
    }
  }

  private func backUp(_ file: String) async throws -> [UInt8] {
    do {
      let answer = try await edge.asking().send(
        "/v1/backup?file=\(percentEncoded(file))", method: "POST", patience: .hours(24))
      try expectVisible(file)
      return answer.body
    } catch let failure as Asking.Failure where failure.status == nil {
      let settings = try EdgeSettings.read(edge.config)
      var writer = JSONWriter()
      try await QueueBackup.ofQueue(at: settings.queue.path, to: file).write(to: &writer)
      return writer.bytes
    }
  }
}

/// What a service makes in a folder for temporary files is seen by nobody else, where its unit says `PrivateTmp`.
func expectVisible(_ file: String) throws {
  guard file.hasPrefix("/tmp/") || file.hasPrefix("/var/tmp/"), !FileManager.default.fileExists(atPath: file) else {
    return
  }
  throw Asking.Failure(
    description:
      "the daemon made \(file) in temporary files of its own (PrivateTmp in its unit), which nobody else sees: "
      + "name a file under /var/lib/lotline")
}
