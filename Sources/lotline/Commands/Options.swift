import ArgumentParser
import Forward
import Foundation

/// Where the edge's settings are.
struct EdgeOptions: ParsableArguments {
  @Option(help: "The edge's settings.")
  var config = "/etc/lotline/edge.yaml"

  /// The running edge, by the control socket of its settings.
  func asking() throws -> Asking { try .edge(config) }
}

/// Which central to ask.
struct CentralOptions: ParsableArguments {
  @Option(help: "The central's address; default: the one in the edge's settings.")
  var central: String?

  @Option(help: "A file with the token that the central asks of readers.")
  var tokenFile: String?

  @Option(help: "A file with the certificate authority of the central, in PEM.")
  var caFile: String?

  @Option(help: "The edge's settings.")
  var config = "/etc/lotline/edge.yaml"

  /// The central to ask; without `--central` the one that the edge's settings name.
  func asking() throws -> Asking {
    var address = central
    var authority = caFile
    if address == nil {
      let settings = try EdgeSettings.read(config)
      guard let configured = settings.central else {
        throw Asking.Failure(description: "\(config) names no central: give one with --central URL")
      }
      address = configured.url
      authority = authority ?? configured.caFile
    }
    return Asking(
      door: .url(address ?? ""), token: try tokenFile.map { try BearerToken(file: $0) }, authorityFile: authority)
  }
}

/// How results are shown.
struct OutputOptions: ParsableArguments {
  @Flag(help: "JSON for programs in place of a table.")
  var json = false

  /// Prints bytes that are JSON, or text, as they are.
  func printRaw(_ bytes: [UInt8]) {
    var bytes = bytes
    if bytes.last != 0x0A { bytes.append(0x0A) }
    FileHandle.standardOutput.write(Data(bytes))
  }
}
