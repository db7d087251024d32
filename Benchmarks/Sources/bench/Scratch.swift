import Foundation

/// A folder for one round, on the disk of the working directory (where a queue would be), gone afterwards.
func withScratch<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let folder = FileManager.default.currentDirectoryPath + "/.build-bench/scratch-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try await body(folder)
}

func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
