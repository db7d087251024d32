import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline check`: reads settings and maps, opens nothing, and says what would be sent.
struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check settings and maps, and show the requests that each Modbus device will get.",
    discussion: """
      FILE is the settings of an edge or a central, or a single map; without one, the edge's settings and its \
      maps are checked. Nothing is opened: no port, no file that the settings name but the maps.

      A warning is what can be used and will most likely not do what is wanted: values that overlap, a cycle that is \
      read in parts, more requests than the device can answer.

      Exit status 1 where something is wrong; with --strict for warnings as well.

      EXAMPLES
        lotline check
        lotline check devices/hydraulic-press.yaml --requests
        lotline check etc/lotline/edge.yaml devices/line-scanner.yaml --strict
      """)

  @Argument(help: "Settings of an edge or a central, or maps.") var files: [String] = []
  @Option(help: "The settings to check where no FILE is given.") var config = EdgeSettings.standardPath
  @Flag(help: "Each request with its rate, its bytes and its tags.") var requests = false
  @Flag(help: "Exit status 1 for warnings too.") var strict = false
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let checked = (files.isEmpty ? [config] : files).map { CheckedFile($0) }
    if output.json {
      var writer = JSONWriter()
      writer.object { inner in
        inner.field("ok", checked.allSatisfy(\.problems.isEmpty))
        inner.key("files")
        inner.array { list in for file in checked { file.write(to: &list) } }
      }
      output.printRaw(writer.bytes)
    } else {
      for file in checked { print(file.text(width: Terminal.width, all: requests)) }
    }
    let isWell = checked.allSatisfy { $0.problems.isEmpty && ($0.warnings.isEmpty || !strict) }
    if !isWell { throw ExitCode(1) }
  }
}

/// A file, what is wrong with it, and what would be done with it.
struct CheckedFile {
  let path: String
  private(set) var kind = Kind.edge
  private(set) var problems: [Problem] = []
  /// What can be used and is most likely not meant.
  private(set) var warnings: [Warning] = []
  private(set) var summary = ""
  private(set) var devices: [CheckedDevice] = []

  enum Kind: String {
    case edge, central, map
  }

  init(_ path: String) {
    self.path = path
    do {
      kind = Self.kind(of: try SettingsFile(path: path))
      switch kind {
      case .edge:
        let settings = try EdgeSettings.read(path)
        devices = settings.devices.map { CheckedDevice($0) }
        warnings = Warning.all(of: settings, path: path)
        summary =
          "the settings of line PC \(settings.source): \(counted(settings.stations.count, "station")), "
          + counted(devices.count, "device")
      case .central:
        let settings = try CentralSettings.read(path)
        summary =
          "the settings of a central: \(counted(settings.sources.count, "source")), "
          + counted(settings.routes.count, "route")
      case .map:
        let file = try SettingsFile(path: path)
        let map = DeviceMap(file)
        try file.check()
        let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        devices = map.map { [CheckedDevice(name: name, map: name, $0)] } ?? []
        if case .modbus(let modbus) = map { warnings = Warning.all(of: modbus, in: MapLines(path, text: file.text)) }
        summary = "a map"
      }
    } catch let error as SettingsError {
      problems = error.problems
    } catch {
      problems = [Problem(file: path, line: 0, field: "", found: "\(error)", allowed: "a readable file")]
    }
  }

  /// Told by the keys that only one kind of file has.
  private static func kind(of file: SettingsFile) -> Kind {
    let fields = file.root.fields(of: "settings or a map")
    if fields.has("kind") { return .map }
    if ["source", "stations", "queue", "central"].contains(where: fields.has) { return .edge }
    if ["store", "sources", "backup", "routes", "readers", "since", "time-zone"].contains(where: fields.has) {
      return .central
    }
    return (file.name as NSString).lastPathComponent.hasPrefix("central") ? .central : .edge
  }

  /// As `text(width:all:)`, in whole rows and without what is there on request.
  var text: String { text(width: nil, all: false) }

  /// For people: problems and warnings one a line, and what would be done.
  ///
  /// - Parameters:
  ///   - width: the columns of the terminal, if it is one.
  ///   - all: every request with all that is to be said of it.
  func text(width: Int?, all: Bool) -> String {
    guard problems.isEmpty else { return problems.map(\.description).joined(separator: "\n") }
    let verdict = warnings.isEmpty ? "nothing wrong" : "nothing wrong, \(counted(warnings.count, "warning"))"
    return
      (["\(path): \(summary); \(verdict)"] + warnings.map(\.description)
      + devices.flatMap { $0.lines(width: width, all: all) }).joined(separator: "\n")
  }

  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("file", path)
      writer.field("kind", kind.rawValue)
      writer.key("problems")
      writer.array { inner in
        for problem in problems {
          inner.object { item in
            item.field("file", problem.file)
            item.field("line", problem.line > 0 ? problem.line : nil)
            item.field("field", problem.field)
            item.field("found", problem.found)
            item.field("allowed", problem.allowed)
            item.field("nearest", problem.nearest)
          }
        }
      }
      writer.key("warnings")
      writer.array { inner in for warning in warnings { warning.write(to: &inner) } }
      writer.key("devices")
      writer.array { inner in for device in devices { device.write(to: &inner) } }
    }
  }
}

/// `1 device`, `2 devices`.
func counted(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
