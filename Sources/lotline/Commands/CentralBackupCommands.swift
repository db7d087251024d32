import ArgumentParser
import Events
import Foundation
import NIOCore
import Store

extension CentralCommand {
  struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Copies the store to a file and verifies the copy.",
      discussion: """
        The central may run: the copy is of one moment, and events are taken meanwhile. A running central writes the \
        file itself, as its own user. The file gets its name once every chain in it was followed, and only then are \
        line PCs told that its events are safe. Backups by plan: backup in central.yaml.

        EXAMPLES
          lotline central backup /var/lib/lotline/central-copy.db
        """)

    @Argument(help: "The file to make; one that is there is not written over.")
    var file: String

    @OptionGroup var central: Options
    @OptionGroup var output: OutputOptions

    func run() async throws {
      try await reporting {
        let settings = try CentralSettings.read(central.config)
        let record = try await backUp(absolutePath(file), settings)
        if output.json {
          var writer = JSONWriter()
          record.write(to: &writer)
          output.printRaw(writer.bytes)
        } else {
          print(visible(record.words))
        }
      }
    }

    /// Has the running central do it; where none answers, does it here.
    private func backUp(_ file: String, _ settings: CentralSettings) async throws -> BackupRecord {
      let socket = settings.controlSocket
      if FileManager.default.fileExists(atPath: socket) {
        let asking = Asking(door: .socket(path: socket, daemon: "the central"), token: nil, authorityFile: nil)
        do {
          let answer = try await asking.send(
            "/v1/backup?file=\(percentEncoded(file))", method: "POST", patience: .hours(24))
          guard let record = answer.json.flatMap({ BackupRecord($0) }) else {
            throw Asking.Failure(description: "the central's answer is not JSON: is another program at \(socket)?")
          }
          try expectVisible(file)
          return record
        } catch let failure as Asking.Failure where failure.status == nil && !failure.description.contains("not JSON") {
          // A killed central leaves its socket; the store's lock says whether one runs.
        }
      }
      guard FileManager.default.fileExists(atPath: settings.store.sqlite) else {
        throw Asking.Failure(
          description: "there is no store \(settings.store.sqlite): see store.sqlite in \(central.config)")
      }
      let store = try await TraceStore.open(path: settings.store.sqlite, rules: settings.rules, logger: daemonLogger())
      do {
        let record = try await store.backUp(to: file)
        try store.close()
        return record
      } catch {
        try? store.close()
        throw error
      }
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts a backup in the place of the store.",
      discussion: """
        The central must be stopped. The backup is verified first; the store that was there stays beside the new one. \
        Line PCs notice that the central has less than before, send again what they still have, and say so.

        EXAMPLES
          lotline central restore /var/lib/lotline/central-copy.db
        """)

    @Argument(help: "A file that lotline central backup made.")
    var file: String

    @OptionGroup var central: Options

    func run() async throws {
      try await reporting {
        let settings = try CentralSettings.read(central.config)
        let path = settings.store.sqlite
        let restored = try await TraceStore.restore(absolutePath(file), at: path)
        let former = restored.setAside.map { "; the store before it is \($0)" } ?? ""
        print(visible("\(path) now has the \(restored.events) events of \(file), verified\(former)"))
      }
    }
  }

  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Follows every chain of the store, or of a backup, and names the first bad event.",
      discussion: """
        The central may run. Exit status 1 where an event is missing or not as it was written.

        EXAMPLES
          lotline central verify
          lotline central verify /var/lib/lotline/central-copy.db --json
        """)

    @Argument(help: "A backup; default: the store of the settings.")
    var file: String?

    @OptionGroup var central: Options
    @OptionGroup var output: OutputOptions

    func run() async throws {
      try await reporting {
        let path = try file ?? CentralSettings.read(central.config).store.sqlite
        guard FileManager.default.isReadableFile(atPath: path) else {
          throw Asking.Failure(description: "verifying \(path): there is no file of that name that can be read")
        }
        guard let verdict = try await TraceStore.verification(ofStoreAt: path, isThorough: file != nil) else {
          throw Asking.Failure(description: "verifying \(path): it is no store of a central")
        }
        if output.json { output.printRaw(verdict.json) } else { verdict.show() }
        if verdict.firstBad != nil { throw ExitCode(1) }
      }
    }
  }
}

extension StoreVerdict {
  fileprivate var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("good", good)
      writer.field("bad", firstBad)
      writer.list("incarnations", chains) { writer, chain in
        writer.object { writer in
          writer.field("source", chain.source)
          writer.field("incarnation", chain.incarnation)
          writer.field("through", chain.through)
        }
      }
    }
    return writer.bytes
  }

  fileprivate func show() {
    var table = Table("source", "incarnation", "through")
    for chain in chains { table.add(chain.source, chain.incarnation, "\(chain.through)") }
    if !table.isEmpty { table.show() }
    print(visible(description))
  }
}

/// A path as another process understands it.
func absolutePath(_ path: String) -> String {
  path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}
