import ArgumentParser
import Devices
import Events
import Foundation

struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Says what a scanned code means: symbology, elements, roles and what is wrong.",
    discussion: """
      CODE is what the scanner sends, without the bytes that end a frame. Write control characters as <GS>, <RS>, \
      <FS>, <US>, <EOT> or \\x1d; ^ is a GS1 separator too, \\\\ a backslash. With - each line of standard input is a \
      code. Without --map the code alone decides; with it the map's rules, as for a scan. Bytes are counted from 1. \
      Exit status 1 where something is wrong with a code.

      EXAMPLES
        lotline explain ']d2010950600013435210L2311^21SN0042'
        lotline explain 'https://id.gs1.org/01/09506000134352/10/L2311'
        lotline explain '[)><RS>06<GS>P4711<GS>1TL7<GS>VACME<RS><EOT>'
        lotline explain 3074257BF7194E4000001A85
        lotline explain --hex 5d64323031303935303630303031333433353231304c32333131
        lotline explain --map line-scanner OP-1234
      """)

  @Argument(help: "A code; - for one a line on standard input.")
  var code: String

  @Flag(help: "CODE is the bytes in hexadecimal digits; spaces and colons between them are left out.")
  var hex = false

  @Option(help: "A scanner's map whose rules say what codes mean: its file, or its name among the installed maps.")
  var map: String?

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let scanner = try map.map { try Self.scannerMap($0) }
      var isGood = true
      if code == "-" {
        var isFirst = true
        while let line = readLine() {
          if !isFirst, !output.json { print("") }
          isFirst = false
          isGood = explain(try bytes(of: line), scanner) && isGood
        }
      } else {
        isGood = explain(try bytes(of: code), scanner)
      }
      if !isGood { throw ExitCode(1) }
    }
  }

  private static func scannerMap(_ name: String) throws -> ScannerMap {
    guard case .serial(let scanner) = try SimulateCommand.load(name).map else {
      throw Asking.Failure(description: "\(name) is the map of a PLC: only a scanner's map says what codes mean")
    }
    return scanner
  }

  private func bytes(of text: String) throws -> [UInt8] {
    guard hex else { return try typedCode(text) }
    guard let bytes = Events.bytes(hex: text.filter { !" :".contains($0) }) else {
      throw ValidationError("--hex takes two hexadecimal digits a byte, found \"\(text.prefix(40))\"")
    }
    return bytes
  }

  /// Shows one code; true if nothing is wrong with it.
  private func explain(_ raw: [UInt8], _ scanner: ScannerMap?) -> Bool {
    let explanation = Explanation(raw, by: scanner)
    if output.json {
      var writer = JSONWriter()
      explanation.write(to: &writer)
      output.printRaw(writer.bytes)
    } else {
      for line in explanation.lines { print(line) }
    }
    return explanation.problems.isEmpty
  }
}

/// The bytes of a code as it is typed on a command line.
func typedCode(_ text: String) throws -> [UInt8] {
  let names: [(String, UInt8)] = [("<GS>", 0x1D), ("<RS>", 0x1E), ("<EOT>", 0x04), ("<FS>", 0x1C), ("<US>", 0x1F)]
  var bytes: [UInt8] = []
  var rest = text[...]
  while let character = rest.first {
    if let (name, byte) = names.first(where: { rest.hasPrefix($0.0) }) {
      bytes.append(byte)
      rest = rest.dropFirst(name.count)
    } else if character == "^" {
      bytes.append(0x1D)
      rest = rest.dropFirst()
    } else if character == "\\" {
      let (byte, length) = try typedEscape(rest)
      bytes.append(byte)
      rest = rest.dropFirst(length)
    } else {
      bytes.append(contentsOf: character.utf8)
      rest = rest.dropFirst()
    }
  }
  return bytes
}

/// The byte that an escape at the beginning of `text` is, and how many characters it takes.
private func typedEscape(_ text: Substring) throws -> (byte: UInt8, length: Int) {
  let single: [Character: UInt8] = ["r": 0x0D, "n": 0x0A, "t": 0x09, "\\": 0x5C]
  let rest = text.dropFirst()
  if let letter = rest.first, let byte = single[letter] { return (byte, 2) }
  let digits = rest.dropFirst().prefix(2)
  if rest.first == "x", digits.utf8.count == 2, let byte = Events.bytes(hex: digits)?.first { return (byte, 4) }
  throw ValidationError("\(text.prefix(4)) is no escape: \\x1d, \\r, \\n, \\t and \\\\ are")
}
