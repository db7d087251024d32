import Devices
import Foundation
import Settings
import TestParts
import Testing

/// Maps as tables and back.
@Suite struct MapTableTests {
  static let shipped: [String] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "devices").path
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
  }()

  /// What a spreadsheet in between may do: its separator, its encoding.
  private func imported(_ cells: [[String]], separator: Character) throws -> MapImport {
    var problems: [SpreadsheetTable.Problem] = []
    let text = SpreadsheetTable.text(cells, separator: separator)
    let table = try SpreadsheetTable(SpreadsheetText(Array(text.utf8)).text, problems: &problems)
    return MapImport(table, onto: nil, formProblems: problems)
  }

  @Test func `there are shipped maps to look at`() { #expect(Self.shipped.count >= 5) }

  @Test(arguments: shipped)
  func `each shipped map comes back from a table as it was`(_ path: String) throws {
    let file = try SettingsFile(path: path)
    let tree = SettingsTree(file.root)
    for separator in [",", ";", "\t"] as [Character] {
      let found = try imported(MapTable(tree).cells, separator: separator)
      #expect(found.problems.isEmpty, "\(found.problems)")
      #expect(found.map.says(tree))
      let again = try SettingsFile(name: "again", text: found.text.text)
      #expect(SettingsTree(again.root).says(tree), "\(found.text.text)")
      if case .modbus(let old)? = DeviceMap(file), case .modbus(let new)? = DeviceMap(again) { #expect(old == new) }
      try again.check()
    }
  }

  /// Keys that no reader knows, and texts that every format stumbles over.
  private struct RandomMaps {
    var numbers: any RandomNumberGenerator

    static let texts = [
      "40001", "40020.10", "00001", "0.1", "1e5", "-5", "1,5", "=A1", "true", "~", "", "null", "a;b", "a,b", "\"q\"",
      "'s'", "[x]",
      "{y", "ü µm °C", "压力", " edge ", "two\nlines", "\r", "\t", "\\x02", "holding:0x1F", "12-11", "1/2",
      "12345678901234567890",
      "#no", "a: b", "-", "+1", "@x", "🙂", "\u{A0}x", "10:30", ".5", "5.", "1.50", "Tag", "x y",
    ]
    static let names = [
      "alpha", "beta-2", "Gamma", "d e", "ü", "e.f", "format", "note", "name", "min", "bit", "unit", "01", "10:30",
    ]

    mutating func pick<T>(_ from: [T]) -> T { from[Int.random(in: 0..<from.count, using: &numbers)] }

    mutating func value(_ depth: Int = 0) -> SettingsTree {
      switch Int.random(in: 0..<(depth < 2 ? 10 : 7), using: &numbers) {
      case 0: .nothing
      case 1...6: .text(pick(Self.texts))
      case 7: .list((0..<Int.random(in: 0...3, using: &numbers)).map { _ in value(depth + 1) })
      case 8: .list((0..<Int.random(in: 1...3, using: &numbers)).map { _ in .mapping(entries(depth + 1)) })
      default: .mapping(entries(depth + 1))
      }
    }

    mutating func entries(_ depth: Int, _ most: Int = 4) -> [SettingsTree.Entry] {
      let names = Self.names.shuffled(using: &numbers).prefix(Int.random(in: 0...most, using: &numbers))
      return names.map { .init($0, value(depth)) }
    }

    mutating func map() -> SettingsTree {
      let groups = Self.names.shuffled(using: &numbers).prefix(Int.random(in: 1...3, using: &numbers)).map { group in
        let tags = Self.texts.filter { !$0.isEmpty }.shuffled(using: &numbers)
          .prefix(Int.random(in: 1...4, using: &numbers)).map { SettingsTree.Entry($0, .mapping(entries(1))) }
        return SettingsTree.Entry(group, .mapping(entries(0) + [.init("tags", .mapping(Array(tags)))]))
      }
      return .mapping(entries(0) + [.init("groups", .mapping(Array(groups)))])
    }
  }

  private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `whatever a map says comes back, whatever its keys are called`(_ seed: UInt64) throws {
    var maps = RandomMaps(numbers: Seeded(state: seed))
    let tree = maps.map()
    let cells = try MapTable(tree).cells
    for separator in [",", ";", "\t"] as [Character] {
      let found = try imported(cells, separator: separator)
      #expect(found.map.says(tree), "seed \(seed): \(tree.flow)\n\(found.map.flow)")
      let again = try SettingsFile(name: "again", text: MapText(tree).text)
      #expect(SettingsTree(again.root).says(tree), "seed \(seed): \(MapText(tree).text)")
    }
  }

  @Test func `what a table cannot say is refused by name`() throws {
    func fault(_ yaml: String) throws -> String {
      do {
        _ = try MapTable(SettingsTree(SettingsFile(name: "m", text: yaml).root))
        return ""
      } catch let fault as MapTable.Fault {
        return fault.description
      }
    }
    #expect(try fault("groups: { a: { tags: { x: { tag: 1 } } } }").hasPrefix("the key \"tag\" of tag x of group a:"))
    #expect(
      try fault("groups: { a: { tags: [x] } }")
        == "the tags of group a: they are not listed by name, which a table cannot say")
    #expect(try fault("map: { a: 1 }").hasPrefix("the key \"map\":"))
    #expect(try fault("groups: { a: 7 }").hasPrefix("group a: it has no keys"))
  }
}
