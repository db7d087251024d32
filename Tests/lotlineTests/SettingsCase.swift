import Settings
import TestParts
import Testing

@testable import lotline

/// A file that is right but for one place, and what is said of it.
struct SettingsCase: Sendable, CustomTestStringConvertible {
  /// The line of the right file that is replaced, without its indentation; empty: nothing is.
  var removed = ""
  var added: [String] = []
  var problems: [String] = []

  var testDescription: String { added.isEmpty ? "without: \(removed)" : added.joined(separator: " / ") }

  /// Reads cases of the form of a difference: `-` a line of the right file, `+` what stands there instead, `!` what
  /// is said, its further lines indented; an empty line ends a case.
  static func list(_ text: String) -> [SettingsCase] {
    text.split(separator: "\n\n").map { part in
      var found = SettingsCase()
      for line in part.split(separator: "\n") {
        let rest = String(line.dropFirst(2))
        switch line.first {
        case "-": found.removed = rest
        case "+": found.added.append(rest)
        case "!": found.problems.append(rest)
        default: found.problems[found.problems.count - 1] += " " + line.drop { $0 == " " }
        }
      }
      return found
    }
  }

  /// The right text with the place replaced.
  func applied(to text: String) throws -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let at = try #require(
      lines.firstIndex { $0.drop { $0 == " " } == removed }, "the right file has no line \"\(removed)\"")
    let indent = lines[at].prefix { $0 == " " }
    lines.replaceSubrange(at...at, with: added.map { indent + $0 })
    return lines.joined(separator: "\n")
  }
}

/// What a reader says of a file, with the scratch folder left out of the names.
func problems(in folder: ScratchFolder, _ read: () throws -> Void) throws -> [String] {
  do {
    try read()
    return []
  } catch let error as SettingsError {
    return error.problems.map { $0.description.replacing(folder.path + "/", with: "") }
  }
}
