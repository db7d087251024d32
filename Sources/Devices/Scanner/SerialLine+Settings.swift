internal import Settings

extension SerialLine {
  /// Reads `9600 8N1` or `9600 8N1 rts-cts`; what is wrong is recorded, and the default stands in.
  init(_ node: SettingsNode) {
    self.init()
    guard let text = node.text, !node.isEmpty else {
      node.refuse(allowed: Self.form)
      return
    }
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 2 || words.count == 3 else {
      node.refuse(allowed: Self.form, nearest: Self.meant(by: text))
      return
    }
    guard let baud = Int(words[0]), Self.baudLimits.contains(baud), Self.slip(of: baud) == nil else {
      node.refuse(
        found: "\"\(words[0])\" baud", allowed: Self.speeds,
        nearest: Int(words[0]).map { Self.slip(of: $0).map(String.init) }
          ?? nearestName(to: words[0], among: Self.rates.map(String.init)))
      return
    }
    guard let (dataBits, parity, stopBits) = Self.frame(words[1], node) else { return }
    guard let flow = words.count == 3 ? Self.flow(words[2], node) : Flow.none else { return }
    self.init(baud: baud, dataBits: dataBits, parity: parity, stopBits: stopBits, flow: flow)
  }

  private static let form =
    "speed, data bits, parity and stop bits, such as 9600 8N1, and rts-cts or xon-xoff where there is flow control"

  /// `9600-8-N-1` and `9600,8,n,1`, as other programs write it; a speed alone.
  private static func meant(by text: String) -> String? {
    let parts = text.uppercased().split { " ,-/;:".contains($0) }.map(String.init)
    guard let baud = parts.first.flatMap({ Int($0) }), rates.contains(baud) else { return nil }
    let frame = parts.dropFirst().joined()
    guard !frame.isEmpty else { return "\(baud) 8N1" }
    return frame.wholeMatch(of: /[5-8][NEOMS][12]/) == nil ? nil : "\(baud) \(frame)"
  }

  private static let speeds =
    "a usual speed such as 1200, 9600, 115200, or any other from \(baudLimits.lowerBound) to \(baudLimits.upperBound)"

  /// The usual speed that another means: so near to it that no line could tell them apart.
  private static func slip(of baud: Int) -> Int? {
    rates.contains(baud) ? nil : rates.first { abs($0 - baud) * 50 <= $0 }
  }

  private static func frame(_ word: String, _ node: SettingsNode) -> (Int, Parity, Int)? {
    let letters = word.map(String.init)
    guard letters.count == 3 else {
      node.refuse(found: "\"\(word)\"", allowed: form)
      return nil
    }
    guard let dataBits = Int(letters[0]), (5...8).contains(dataBits) else {
      node.refuse(found: "\"\(letters[0])\" data bits in \"\(word)\"", allowed: "5, 6, 7 or 8")
      return nil
    }
    guard let parity = Parity(rawValue: letters[1]) else {
      node.refuse(
        found: "parity \"\(letters[1])\" in \"\(word)\"",
        allowed: "N (none), E (even), O (odd), M (mark) or S (space)",
        nearest: Parity(rawValue: letters[1].uppercased())?.rawValue)
      return nil
    }
    guard let stopBits = Int(letters[2]), (1...2).contains(stopBits) else {
      node.refuse(found: "\"\(letters[2])\" stop bits in \"\(word)\"", allowed: "1 or 2")
      return nil
    }
    return (dataBits, parity, stopBits)
  }

  private static func flow(_ word: String, _ node: SettingsNode) -> Flow? {
    if let flow = Flow(rawValue: word) { return flow }
    let words = Flow.allCases.map(\.rawValue)
    // Manuals and other programs write it in many ways: rtscts, RTS/CTS, xonxoff.
    let plain = word.lowercased().filter(\.isLetter)
    node.refuse(
      found: "flow control \"\(word)\"", allowed: words.joined(separator: ", "),
      nearest: words.first { $0.filter(\.isLetter) == plain } ?? nearestName(to: word, among: words))
    return nil
  }
}
