import Foundation
private import Yams

/// A YAML file read into checked values; every problem found in it is collected, none is passed over.
///
/// Readers ask a `SettingsNode` for the fields they know. A field that nobody asked for is an unknown
/// key. When all is read, `check()` throws the problems of the whole file at once, in the order of lines.
public final class SettingsFile {
  /// The file as it was named to us.
  public let name: String
  /// The text that was read.
  public let text: String
  private(set) var problems: [Problem] = []

  /// Reads `path`; a file that cannot be read, or is no YAML, is a `SettingsError` at once.
  public convenience init(path: String) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      let found = FileManager.default.fileExists(atPath: path) ? "a file that cannot be read" : "no such file"
      throw SettingsError([Problem(file: path, line: 0, field: "", found: found, allowed: "a readable YAML file")])
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw SettingsError([
        Problem(file: path, line: 0, field: "", found: "bytes that are not UTF-8", allowed: "YAML in UTF-8")
      ])
    }
    try self.init(name: path, text: text)
  }

  /// Takes `text` as the content of the file called `name`.
  public init(name: String, text: String) throws {
    self.name = name
    self.text = text
    do {
      let node = try Yams.compose(yaml: text)
      parsed = node
    } catch let error as YamlError {
      throw SettingsError([Self.problem(from: error, file: name)])
    }
  }

  private var parsed: Node?

  /// The top of the file, which must be a mapping; an empty file is an empty mapping.
  public var root: SettingsNode {
    SettingsNode(file: self, path: "", node: parsed ?? Node.mapping(.init([])))
  }

  /// Throws all problems that reading found, if there are any.
  public func check() throws {
    guard problems.isEmpty else { throw SettingsError(problems.sorted { $0.line < $1.line }) }
  }

  /// Adds a problem found by a rule that looks at more than one field.
  public func add(_ problem: Problem) { problems.append(problem) }

  private static func problem(from error: YamlError, file: String) -> Problem {
    switch error {
    case .scanner(_, let what, let mark, _), .parser(_, let what, let mark, _), .composer(_, let what, let mark, _):
      Problem(
        file: file, line: mark.line, field: "", found: "no valid YAML (\(what) at column \(mark.column))",
        allowed: "YAML: check the indentation, quotes and brackets of this line and the one above")
    case .duplicatedKeysInMapping(let duplicates, let context):
      Problem(
        file: file, line: context.mark.line, field: duplicates.first ?? "",
        found: "the same key twice", allowed: "each key once")
    default:
      Problem(file: file, line: 0, field: "", found: "no valid YAML (\(error))", allowed: "YAML in UTF-8")
    }
  }
}
