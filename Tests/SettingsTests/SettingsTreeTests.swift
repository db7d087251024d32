import Settings
import Testing

@Suite struct SettingsTreeTests {
  @Test func `every text is read back from YAML as it was, plain or quoted`() throws {
    let texts = [
      "", "~", "null", "NULL", "true", "40020.10", "holding:0x1F", "a: b", "a #b", "- x", "-", "--- ", "...", "?", "[x",
      "{y}",
      "'", "\"", "\\r", "\r", "a\nb\n", "\u{1D}", " edge ", "%", "@at", "`", "&a", "*b", "!c", "|", ">",
      "µm", "°C",
      "m³/h", "压力", "🙂", "\u{2028}", "it's", "C:\\x", "1e5", "=1", "\u{7F}\u{85}\u{A0}", "a,b", "key:", ":x", "0x1F",
      "<<",
    ]
    for text in texts {
      let tree = SettingsTree.mapping([
        .init("a", .list([.text(text), .nothing])),
        .init("b", .mapping([.init(text.isEmpty ? "e" : text, .text(text))])),
      ])
      let file = try SettingsFile(name: "t", text: "root: \(tree.flow)\n")
      #expect(SettingsTree(file.root)["root"] == tree, "\(tree.flow)")
      try file.check()
    }
  }

  @Test func `the order of keys means nothing, that of a list does`() {
    let one = SettingsTree.mapping([.init("a", .text("1")), .init("b", .list([.text("x"), .text("y")]))])
    let two = SettingsTree.mapping([.init("b", .list([.text("x"), .text("y")])), .init("a", .text("1"))])
    let three = SettingsTree.mapping([.init("b", .list([.text("y"), .text("x")])), .init("a", .text("1"))])
    #expect(one.says(two) && !one.says(three) && !one.says(.mapping([])))
  }
}
