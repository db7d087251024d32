import ArgumentParser
import Foundation

/// `lotline manual`: the pages of the manual, made from the help of each command; `make install` calls it.
struct ManualCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Writes the manual, a page for each command.",
    discussion: """
      EXAMPLES
        lotline manual --into man1
      """, shouldDisplay: false)

  @Option(help: "The folder that gets them; it is made where it is not there.")
  var into: String

  /// When the text was last changed: pages bear a date, and one of the build would make no two builds the same.
  private static let date = "2026-11-24"

  func run() async throws {
    try await reporting {
      let folder = URL(filePath: into)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for page in Self.pages(["lotline"], Lotline.self) {
        let text = page.manual(version: Lotline.version, date: Self.date)
        try Data(text.utf8).write(to: folder.appending(path: page.words.joined(separator: "-") + ".1"))
      }
    }
  }

  /// A command's page and those of the commands below it.
  static func pages(_ words: [String], _ command: any ParsableCommand.Type) -> [HelpPage] {
    var pages = [HelpPage(words, command)]
    for below in command.configuration.subcommands where below.configuration.shouldDisplay {
      pages += self.pages(words + [below.configuration.commandName ?? "\(below)".lowercased()], below)
    }
    return pages
  }
}
