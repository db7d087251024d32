internal import Settings

extension SerialLine {
  private static let flowControls = ["rtscts", "xonxoff", "dtrdsr", "rts/cts", "xon/xoff", "dtr/dsr"]

  /// Reads `9600 8N1`; what is wrong is recorded, and the default stands in.
  init(_ node: SettingsNode) {
    self.init()
    guard let text = node.text, !node.isEmpty else {
      node.refuse(allowed: Self.form)
      return
    }
    let words = text.split(separator: " ").map(String.init)
    if words.count > 2, let flow = words.dropFirst(2).first(where: { Self.flowControls.contains($0.lowercased()) }) {
      node.refuse(found: "\"\(flow)\"", allowed: "\(Self.form): flow control is not supported yet")
      return
    }
    guard words.count == 2 else {
      node.refuse(allowed: Self.form)
      return
    }
    guard let baud = Int(words[0]), Self.rates.contains(baud) else {
      node.refuse(
        found: "\"\(words[0])\" baud", allowed: Self.rates.map(String.init).joined(separator: ", "),
        nearest: nearestName(to: words[0], among: Self.rates.map(String.init)))
      return
    }
    guard let (dataBits, parity, stopBits) = Self.frame(words[1], node) else { return }
    self.init(baud: baud, dataBits: dataBits, parity: parity, stopBits: stopBits)
  }

  private static let form = "speed, data bits, parity and stop bits, such as 9600 8N1"

  private static func frame(_ word: String, _ node: SettingsNode) -> (Int, Parity, Int)? {
    let letters = word.map(String.init)
    guard letters.count == 3 else {
      node.refuse(found: "\"\(word)\"", allowed: form)
      return nil
    }
    guard let dataBits = Int(letters[0]), (7...8).contains(dataBits) else {
      node.refuse(found: "\"\(letters[0])\" data bits in \"\(word)\"", allowed: "7 or 8")
      return nil
    }
    guard let parity = Parity(rawValue: letters[1]) else {
      let isLater = ["M", "S"].contains(letters[1])
      node.refuse(
        found: "parity \"\(letters[1])\" in \"\(word)\"",
        allowed: "N (none), E (even) or O (odd)" + (isLater ? ": mark and space parity are not supported yet" : ""),
        nearest: Parity(rawValue: letters[1].uppercased())?.rawValue)
      return nil
    }
    guard let stopBits = Int(letters[2]), (1...2).contains(stopBits) else {
      node.refuse(found: "\"\(letters[2])\" stop bits in \"\(word)\"", allowed: "1 or 2")
      return nil
    }
    return (dataBits, parity, stopBits)
  }
}
