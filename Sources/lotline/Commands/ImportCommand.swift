import ArgumentParser
import Devices
import Events
import Foundation
import Glibc
import Settings

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Makes a map from a list of tags in CSV, or changes one by it.",
    discussion: """
      The first row names the columns: group, tag, at, type and the other keys of a tag, in any case; address, name, data \
      type, units and the like are understood, and what each column means is shown. Excel's CSV is read as it is: comma, \
      semicolon or tab, decimal commas, UTF-8, UTF-16 or Windows-1252. Every mistake is named with its row and column: the \
      first 50 of them, or all with --json.

      With --into, the difference to that map is shown and written once you say yes; the former file is kept as .bak. A \
      group that the list does not name stays; of those that it names, tags that it does not have go, and a column that it \
      does not have leaves that field as it is. Without --into the map is printed.

      EXAMPLES
        lotline import tags.csv
        lotline import tags.csv --into devices/press.yaml
        lotline import tags.csv --into devices/press.yaml --yes
      """)

  @Argument(help: "The list, as a spreadsheet saves it as CSV.") var file: String
  @Option(help: "The map's file to change, or to make.") var into: String?
  @Option(help: "The header of a column to leave out; may be given several times.") var ignore: [String] = []
  @Flag(help: "Write without asking.") var yes = false
  @Flag(help: "JSON for programs in place of a table.") var json = false

  /// More than anybody mends in one go; `--json` has all.
  private static let mostProblems = 50

  func run() async throws {
    try await reporting {
      let present = try into.flatMap { FileManager.default.fileExists(atPath: $0) ? try SettingsFile(path: $0) : nil }
      let found = try read(onto: present)
      guard found.problems.isEmpty else {
        for problem in found.problems(atMost: Self.mostProblems) { complain("\(file): \(problem)") }
        if json { print(report(found, nil, isWritten: false)) }
        throw ExitCode(1)
      }
      guard let into else {
        print(json ? report(found, nil, isWritten: false) : found.text.text, terminator: json ? "\n" : "")
        return
      }
      let difference = MapDifference(
        from: try present.map { try MapTable(SettingsTree($0.root)) } ?? MapTable(rows: []), to: try MapTable(found.map)
      )
      if !json { show(difference, into) }
      let isWritten =
        !difference.changes.isEmpty && (yes || isConfirmed(into)) ? try write(found, into, present) : false
      if json { print(report(found, difference, isWritten: isWritten)) }
    }
  }

  private func read(onto present: SettingsFile?) throws -> MapImport {
    guard let data = FileManager.default.contents(atPath: file) else {
      let why = FileManager.default.fileExists(atPath: file) ? "it cannot be read" : "there is no such file"
      throw Asking.Failure(description: "\(file): \(why)")
    }
    let found: MapImport
    do {
      let text = try SpreadsheetText(Array(data))
      if text.encoding == .windows1252 {
        complain(
          "\(file): it is no UTF-8, so it is read as Windows-1252: look at units such as µm and °C; \"CSV UTF-8\" leaves no "
            + "doubt")
      }
      var problems: [SpreadsheetTable.Problem] = []
      let table = try SpreadsheetTable(text.text, problems: &problems)
      found = MapImport(
        table, onto: present.map { SettingsTree($0.root) }, ignoring: ignore, formProblems: problems)
    } catch {
      throw Asking.Failure(description: "\(file): \(error)")
    }
    if !json { for line in Self.columns(found) + found.notes { complain("\(file): \(printable(line))") } }
    return found
  }

  /// What each column was taken for.
  private static func columns(_ found: MapImport) -> [String] {
    let taken = found.columns.columns.compactMap { column in column.key.map { "\(column.header) is \($0)" } }
    let left = found.columns.columns.filter { $0.key == nil && !$0.header.isEmpty }.map(\.header)
    return ["columns: " + taken.joined(separator: ", ")]
      + (left.isEmpty ? [] : ["left out: " + left.joined(separator: ", ")])
  }

  private func show(_ difference: MapDifference, _ path: String) {
    guard !difference.changes.isEmpty else {
      print("\(path) says all of this already: nothing to write")
      return
    }
    let signs: [MapDifference.Kind: String] = [.added: "+", .changed: "~", .removed: "-"]
    for change in difference.changes {
      print(visible("\(signs[change.kind] ?? "") \(change.what)"))
      for field in change.fields {
        switch change.kind {
        case .added: print(visible("    \(field.name): \(field.to ?? "")"))
        case .removed: print(visible("    \(field.name): \(field.from ?? "")"))
        case .changed: print(visible("    \(field.name): \(field.from ?? "(none)") -> \(field.to ?? "(none)")"))
        }
      }
    }
    func count(_ kind: MapDifference.Kind) -> Int { difference.changes.count { $0.kind == kind } }
    print("\(path): \(count(.added)) added, \(count(.changed)) changed, \(count(.removed)) removed")
  }

  /// Asks on a terminal; where there is none, nothing is written.
  private func isConfirmed(_ path: String) -> Bool {
    guard isatty(STDIN_FILENO) == 1, !json else {
      complain("nothing was written: add --yes to write \(path)")
      return false
    }
    FileHandle.standardError.write(Data("Write this to \(path)? Type yes: ".utf8))
    let isYes = readLine(strippingNewline: true)?.trimmingCharacters(in: .whitespaces).lowercased() == "yes"
    if !isYes { complain("nothing was written") }
    return isYes
  }

  private func write(_ found: MapImport, _ path: String, _ present: SettingsFile?) throws -> Bool {
    var text = found.text.text
    if let present {
      let new = found.text(inPlaceOf: present)
      text = new.text
      if new.lostComments > 0 {
        complain(
          "\(path): its form does not allow to change single tags, so it is written anew: its comments (\(new.lostComments) "
            + "lines) are in the .bak alone")
      }
    }
    let kept = try WholeFile.write(text, to: path)
    if !json {
      print("\(path) is written" + (kept.map { "; the former file is \($0)" } ?? ""))
      print("`lotline check` shows what will be asked; `lotline reload` has a running edge take it")
    }
    return true
  }

  private func report(_ found: MapImport, _ difference: MapDifference?, isWritten: Bool) -> String {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("file", file)
      writer.field("into", into)
      writer.field("written", isWritten)
      writer.key("columns")
      writer.object { inner in for column in found.columns.columns { inner.field(column.header, column.key ?? "") } }
      for (name, lines) in [("notes", found.notes), ("problems", found.problems)] {
        writer.key(name)
        writer.array { inner in for line in lines { inner.value(line) } }
      }
      if found.problems.isEmpty { writer.field("map", found.text.text) }
      guard let difference else { return }
      writer.key("changes")
      writer.array { inner in for change in difference.changes { Self.write(change, to: &inner) } }
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func write(_ change: MapDifference.Change, to json: inout JSONWriter) {
    json.object { writer in
      writer.field("kind", change.kind.rawValue)
      writer.field("row", change.what.kind)
      writer.field("group", change.what.group)
      writer.field("tag", change.what.tag)
      writer.key("fields")
      writer.array { inner in
        for field in change.fields {
          inner.object { item in
            item.field("name", field.name)
            item.field("from", field.from)
            item.field("to", field.to)
          }
        }
      }
    }
  }
}
