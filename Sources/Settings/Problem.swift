/// One thing wrong in a settings file, worded so that its one line is enough to mend it.
public struct Problem: Sendable, Hashable, CustomStringConvertible {
  /// The file as it was named to us.
  public let file: String
  /// Counted from 1; 0 where no line can be named (a file that is not there).
  public let line: Int
  /// The way to the field from the top, `stations.ST10.devices.press-1.unit`; empty for the file.
  public let field: String
  /// What was found there.
  public let found: String
  /// What would be right.
  public let allowed: String
  /// The nearest valid name, where the found one looks like a slip of it.
  public let nearest: String?

  public init(file: String, line: Int, field: String, found: String, allowed: String, nearest: String? = nil) {
    self.file = file
    self.line = line
    self.field = field
    self.found = found
    self.allowed = allowed
    self.nearest = nearest
  }

  public var description: String {
    var text = line > 0 ? "\(file):\(line): " : "\(file): "
    if !field.isEmpty { text += "\(field): " }
    text += "found \(found); allowed: \(allowed)"
    if let nearest { text += "; did you mean \"\(nearest)\"?" }
    // A name between quotes may hold line breaks; a problem is one line.
    return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\\n")
  }
}

/// All problems of the files that were read together, thrown as one error.
public struct SettingsError: Error, Sendable, CustomStringConvertible {
  public let problems: [Problem]

  public init(_ problems: [Problem]) { self.problems = problems }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The valid name that `name` is most likely a slip of.
///
/// At most a third of its letters differ; or it is the only one that has all of the words of `name`, as
/// `siemens-pac3200` has `pac3200`.
public func nearestName(to name: String, among names: some Sequence<String>) -> String? {
  let folded = name.lowercased().replacing("_", with: "-")
  let best = names.map { (distance: editDistance(folded, $0.lowercased()), name: $0) }.min { $0.distance < $1.distance }
  if let best, best.distance <= max(1, max(name.count, best.name.count) / 3) { return best.name }
  let words = Set(folded.split(separator: "-"))
  guard !words.isEmpty, folded.count > 1 else { return nil }
  let whole = names.filter { words.isSubset(of: $0.lowercased().split(separator: "-")) }
  return whole.count == 1 ? whole[0] : nil
}

/// Levenshtein's distance with transpositions of neighbours (the commonest slip at a keyboard) as one step.
func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first)
  let b = Array(second)
  guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
  var before: [Int] = []
  var above = Array(0...b.count)
  for i in 1...a.count {
    var row = [i]
    for j in 1...b.count {
      var cost = min(row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, before[j - 2] + 1) }
      row.append(cost)
    }
    before = above
    above = row
  }
  return above[b.count]
}
