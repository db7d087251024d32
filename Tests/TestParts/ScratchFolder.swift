import Foundation

/// A folder of its own for one test, removed with everything in it when the test lets go of it.
public final class ScratchFolder: Sendable {
  public let path: String

  public init(_ function: String = #function) throws {
    let name = "lotline-test-\(UUID().uuidString.prefix(13).lowercased())"
    path = FileManager.default.temporaryDirectory.appending(path: name).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file in it, folders on the way included, and gives its path.
  @discardableResult
  public func write(_ name: String, _ text: String) throws -> String {
    let target = file(name)
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: target))
    return target
  }
}
