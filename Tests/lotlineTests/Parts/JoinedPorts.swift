import Foundation
import TestParts

/// Two serial lines with a cable between them, made by socat: our end and that of a foreign program.
///
/// A pseudo-terminal knows no parity: whoever opens one asks for none.
struct JoinedPorts {
  /// Where the two ends are found.
  let ours: String
  let theirs: String
  private let socat: Program

  /// Whether socat is there, for traits.
  static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/bin/socat")

  /// Returns once both ends are there.
  init(in folder: ScratchFolder) async throws {
    (ours, theirs) = (folder.file("line-ours"), folder.file("line-theirs"))
    let ends = [ours, theirs].map { "PTY,link=\($0),raw,echo=0" }
    socat = try Program("/usr/bin/socat", ends, in: folder, name: "socat")
    let paths = [ours, theirs]
    try await eventually("both ends are there") { paths.allSatisfy { FileManager.default.fileExists(atPath: $0) } }
  }

  /// Takes the cable out.
  func end() async throws { try await socat.killed() }
}
