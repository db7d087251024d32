import Devices
import Events

/// What a code means, in the forms of `lotline explain`.
struct Explanation {
  let raw: [UInt8]
  let text: String?
  let code: DecodedCode
  let roles: [ScanData.Role]
  let problems: [CodeProblem]
  /// Whether a map's rules were asked.
  private let hasMap: Bool

  init(_ raw: [UInt8], by map: ScannerMap?) {
    hasMap = map != nil
    guard let map else {
      self.raw = raw
      code = CodeDecoder().decode(raw)
      roles = []
      let rest = Array(raw.dropFirst(code.symbology == nil ? 0 : 3))
      switch codeText(rest) {
      case .success(let found):
        text = found
        problems = code.problems
      case .failure(let fault):
        text = nil
        let shift = raw.count - rest.count
        // The bytes of an RFID tag are none of a text, and a code of their own.
        let isTag = code.format == .epc && code.problems.isEmpty
        problems =
          isTag ? [] : [CodeProblem(at: fault.at + shift, kind: .character, message: fault.message)] + code.problems
      }
      return
    }
    let payload = map.frame.payload(of: raw)
    let (meaning, found) = map.explain(code: payload)
    self.raw = payload
    code = found
    text = meaning.text
    roles = meaning.roles
    if let problem = meaning.problem, found.problems.isEmpty {
      problems = [CodeProblem(at: 1, kind: .rule, message: problem)]
    } else {
      problems = found.problems
    }
  }

  // MARK: For programs

  /// The shape that design.md, section 9, promises.
  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("raw", hex(raw))
      writer.field("text", text)
      writer.field("symbology", code.symbology)
      writer.field("format", code.format.rawValue)
      writer.key("elements")
      writer.array { list in for element in code.elements { write(element, to: &list) } }
      writer.key("roles")
      writer.object { inner in for role in roles { inner.field(role.name, role.value) } }
      writer.key("problems")
      writer.array { list in for problem in problems { write(problem, to: &list) } }
      guard !code.notes.isEmpty else { return }
      writer.key("notes")
      writer.array { list in for note in code.notes { write(note, to: &list) } }
    }
  }

  private func write(_ element: CodeElement, to json: inout JSONWriter) {
    json.object { item in
      item.field(element.identifier.kind, element.identifier.text)
      item.field("value", element.value)
      item.field("title", element.title.isEmpty ? nil : element.title)
      item.field("meaning", element.meaning)
      item.field("at", element.at)
      item.field("doubtful", element.isDoubtful ? true : nil)
    }
  }

  private func write(_ problem: CodeProblem, to json: inout JSONWriter) {
    json.object { item in
      item.field("at", problem.at)
      item.field("kind", problem.kind.rawValue)
      item.field("message", problem.message)
    }
  }

  // MARK: For people

  var lines: [String] {
    var lines = ["code       \(shown.text)"]
    lines.append("symbology  \(symbologyWords)")
    lines.append("format     \(formatWords)")
    if !code.elements.isEmpty {
      var table = Table("", "ELEMENT", "TITLE", "VALUE", "MEANING")
      for element in code.elements {
        table.add(
          element.isDoubtful ? "?" : "", element.identifier.text, element.title, element.value, element.meaning ?? "")
      }
      lines += [""] + table.lines.map(trimmed)
    }
    if hasMap {
      var table = Table("ROLE", "VALUE")
      for role in roles { table.add(role.name, role.value) }
      lines += [""] + (table.isEmpty ? ["no role: no rule of the map takes one from it"] : table.lines.map(trimmed))
    }
    for problem in problems { lines += ["", shown.text, caret(problem.at), visible("problem: \(problem.message)")] }
    if roles.contains(where: { $0.name == "no-read" }) {
      lines += ["", "note: this is what the scanner sends in place of a code that it could not read"]
    }
    if !code.notes.isEmpty { lines += [""] + code.notes.map { visible("note: \($0.message)") } }
    return lines
  }

  private var symbologyWords: String {
    guard let symbology = code.symbology else { return "not told: no AIM identifier" }
    return symbology + (code.symbologyName.map { ", \($0)" } ?? "")
  }

  private var formatWords: String {
    let words =
      switch code.format {
      case .gs1: "GS1 element strings"
      case .digitalLink: "a GS1 Digital Link"
      case .iso15434: "a message of ISO/IEC 15434"
      case .epc: "an EPC of an RFID tag"
      case .plain: code.elements.isEmpty ? "a plain text" : "data identifiers without a message around them"
      }
    let isGuess = !code.isAnnounced && (code.format == .gs1 || code.format == .epc)
    return words + (isGuess ? ", as it reads (the code itself does not say what it is)" : "")
  }

  /// The code for a terminal, and where each byte stands in that.
  private var shown: (text: String, columns: [Int]) {
    let names: [UInt8: String] = [0x1D: "<GS>", 0x1E: "<RS>", 0x04: "<EOT>", 0x1C: "<FS>", 0x1F: "<US>"]
    var text = ""
    var columns: [Int] = []
    var width = 0
    let isText = self.text != nil
    for byte in raw {
      let piece = names[byte] ?? (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !isText) ? "\\x" + hex([byte]) : "")
      // The later bytes of a letter stand where its first does.
      let isContinued = isText && byte & 0xC0 == 0x80
      columns.append(isContinued ? max(0, width - 1) : width)
      if !piece.isEmpty { width += piece.count } else if !isContinued { width += 1 }
      text += piece.isEmpty && byte < 0x80 ? String(UnicodeScalar(byte)) : piece
      if piece.isEmpty, byte >= 0x80, !isContinued { text += letter(at: columns.count - 1) }
    }
    return (text, columns + [width])
  }

  /// The letter of several bytes that begins at `index`.
  private func letter(at index: Int) -> String {
    let later = raw[(index + 1)...].prefix { $0 & 0xC0 == 0x80 }
    return visible(String(decoding: [raw[index]] + later, as: UTF8.self))
  }

  private func caret(_ at: Int) -> String {
    let columns = shown.columns
    return String(repeating: " ", count: columns[min(max(at - 1, 0), columns.count - 1)]) + "^"
  }

  private func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }
}
