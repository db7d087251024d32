internal import Events
internal import Glibc
internal import Machine

/// That a damaged queue file is being set aside: written before the first step, removed after the last.
///
/// Without it, a kill between two steps would leave a file that is gone, or a new one that knows nothing of the
/// old, and its rows would stay where nobody looks for them.
struct Replacement: Hashable {
  /// Where the damaged file goes.
  let evidence: String
  let why: String

  private static let form = "lotline-replacement-1"

  init(evidence: String, why: String) {
    self.evidence = evidence
    self.why = why
  }

  /// What the file at `path` says; nil if there is none, or none that can be read.
  init?(path: String) {
    guard let bytes = try? contents(of: path, limit: 16384) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 4, lines[0] == Self.form, lines[3].isEmpty else { return nil }
    self.init(evidence: String(lines[1]), why: String(lines[2]))
  }

  /// Puts it at `path`, whole or not at all.
  func write(to path: String) throws(SystemFailure) {
    let line = why.map { $0.isNewline ? " " : String($0) }.joined()
    try replaceFile(at: path, with: Array("\(Self.form)\n\(evidence)\n\(line)\n".utf8))
  }
}
