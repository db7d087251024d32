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
      var isFolder = ObjCBool(false)
      let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let found = !isThere ? "no such file" : isFolder.boolValue ? "a folder" : "a file that cannot be read"
      throw SettingsError([Problem(file: path, line: 0, field: "", found: found, allowed: "a readable YAML file")])
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw SettingsError([Self.problem(with: data, file: path)])
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
      throw SettingsError([Self.problem(from: error, in: text, file: name)])
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

  private static func problem(from error: YamlError, in text: String, file: String) -> Problem {
    let slip = YAMLSlip(error, in: text)
    return Problem(file: file, line: slip.line, field: slip.field, found: slip.found, allowed: slip.allowed)
  }

  /// What is said of bytes that are no text in UTF-8, with the place of the first.
  private static func problem(with data: Data, file: String) -> Problem {
    let isWide = data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF])
    if isWide {
      return Problem(
        file: file, line: 0, field: "", found: "text in UTF-16", allowed: "YAML in UTF-8: save it with that encoding")
    }
    let place = firstForeignByte(in: Array(data))
    return Problem(
      file: file, line: place.line, field: "",
      found:
        "the byte \(String(place.byte, radix: 16, uppercase: true)) behind \"\(printable(place.before.suffix(30)))\", "
        + "which is not UTF-8", allowed: "YAML in UTF-8: save the file with that encoding")
  }

  private static func firstForeignByte(in bytes: [UInt8]) -> (line: Int, byte: UInt8, before: Substring) {
    var parser = UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var line = 1
    var before = String.UnicodeScalarView()
    while case .valid(let encoded) = parser.parseScalar(from: &rest) {
      let scalar = UTF8.decode(encoded)
      if scalar == "\n" {
        line += 1
        before = String.UnicodeScalarView()
      } else {
        before.append(scalar)
      }
    }
    let count = bytes.split(separator: 10, maxSplits: line - 1, omittingEmptySubsequences: false).last?.startIndex ?? 0
    let place = count + String(before).utf8.count
    return (line, bytes.indices.contains(place) ? bytes[place] : 0, Substring(String(before).drop { $0 == " " }))
  }
}
