import ArgumentParser
import Devices
import Foundation
import Settings

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes a map as CSV, which a spreadsheet opens and `lotline import` takes back.",
    discussion: """
      Nothing of what the map says is lost: `lotline import` of the file gives an equal map. Its comments stay in the map. \
      Texts that a spreadsheet would change (40020.10, 00001, what begins with =) stand in quotes; leave them so.

      EXAMPLES
        lotline export devices/press.yaml
        lotline export press -o press.csv --excel
      """)

  @Argument(help: "A map: a file, or a name in devices/ beside the settings.") var map: String
  @Option(name: .shortAndLong, help: "The file to write; default: standard output.") var output: String?
  @Flag(help: "As Excel opens it with a double click in most countries: semicolons, and a mark for UTF-8.") var excel =
    false
  @Option(help: "The edge's settings.") var config = EdgeSettings.standardPath

  func run() async throws {
    try await reporting {
      let path =
        map.hasSuffix(".yaml") || map.contains("/")
        ? map : "\((config as NSString).deletingLastPathComponent)/devices/\(map).yaml"
      let file = try SettingsFile(path: path)
      _ = DeviceMap(file)
      try file.check()
      let table: MapTable
      do { table = try MapTable(SettingsTree(file.root)) } catch {
        throw Asking.Failure(description: "\(path): \(error)")
      }
      let text = (excel ? "\u{FEFF}" : "") + SpreadsheetTable.text(table.cells, separator: excel ? ";" : ",")
      guard let output else {
        FileHandle.standardOutput.write(Data(text.utf8))
        return
      }
      let kept = try WholeFile.write(text, to: output)
      complain("\(output) is written" + (kept.map { "; the former file is \($0)" } ?? ""))
    }
  }
}
