import Foundation
public import Settings

/// The folder `devices/` beside the settings file: each map is read once, whoever names it.
public final class MapFolder {
  public let path: String
  /// The maps' texts by name, where they are not read from files.
  private let texts: [String: String]?
  private var known: [String: LoadedMap?] = [:]
  /// What was found wrong in the maps that were read.
  public private(set) var problems: [Problem] = []

  public init(path: String) { (self.path, texts) = (path, nil) }

  /// Takes maps whose texts were kept, by name, in place of the files in `path`.
  public init(path: String, texts: [String: String]) { (self.path, self.texts) = (path, texts) }

  /// The maps that were read and can be used, by name.
  public var loaded: [LoadedMap] { known.values.compactMap { $0 }.sorted { $0.name < $1.name } }

  /// The map called `name`; nil if it cannot be used, in which case `problems` says why.
  public func map(named name: String) -> LoadedMap? {
    if let seen = known[name] { return seen }
    let read = read(name)
    known[name] = .some(read)
    return read
  }

  /// The names of all maps in the folder, read or not.
  public var names: [String] {
    if let texts { return texts.keys.sorted() }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }

  func exists(_ name: String) -> Bool {
    texts.map { $0[name] != nil } ?? FileManager.default.fileExists(atPath: "\(path)/\(name).yaml")
  }

  private func read(_ name: String) -> LoadedMap? {
    do {
      let kept = texts?[name]
      let file =
        try kept.map { try SettingsFile(name: "\(path)/\(name).yaml", text: $0) }
        ?? SettingsFile(path: "\(path)/\(name).yaml")
      let map = DeviceMap(file)
      try file.check()
      return map.map { LoadedMap(name: name, file: file.name, text: file.text, map: $0) }
    } catch let error as SettingsError {
      problems += error.problems
    } catch {
      problems.append(
        Problem(file: "\(path)/\(name).yaml", line: 0, field: "", found: "\(error)", allowed: "a readable map"))
    }
    return nil
  }
}

/// A map with the text that it was read from, which history needs to be decoded again.
public struct LoadedMap: Sendable {
  public let name: String
  public let file: String
  public let text: String
  public let map: DeviceMap
}

/// What a map file describes.
public enum DeviceMap: Sendable {
  case modbus(ModbusMap)
  case serial(ScannerMap)

  /// Reads a map file; problems are left in `file`.
  ///
  /// Nil if it cannot be used.
  public init?(_ file: SettingsFile) {
    var fields = file.root.fields(of: "a device map: kind, about and what that kind asks for")
    guard fields.required("kind", "modbus or serial") != nil else { return nil }
    switch fields.choice("kind", of: ["modbus", "serial"]) {
    case "modbus":
      defer { fields.close() }
      guard let map = ModbusMap(&fields) else { return nil }
      self = .modbus(map)
    case "serial":
      defer { fields.close() }
      guard let map = ScannerMap(&fields) else { return nil }
      self = .serial(map)
    default: return nil  // which keys are known depends on the kind
    }
  }
}
