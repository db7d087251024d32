import Devices
import Events
import Foundation
import Settings

/// What settings or a map say that can be used, and that will most likely not do what is wanted.
struct Warning: Sendable, Hashable, CustomStringConvertible {
  let file: String
  /// Counted from 1; 0 where no line can be named.
  let line: Int
  let field: String
  /// What will happen, and what to do.
  let text: String

  var description: String {
    (line > 0 ? "\(file):\(line): " : "\(file): ") + "warning: \(field.isEmpty ? "" : "\(field): ")\(text)"
  }

  func write(to list: inout JSONWriter) {
    list.object { item in
      item.field("file", file)
      item.field("line", line > 0 ? line : nil)
      item.field("field", field)
      item.field("text", text)
    }
  }
}

/// Finds the lines of fields again in a file that was read.
struct MapLines {
  let file: String
  private let root: SettingsNode?

  init(_ file: String, text: String) {
    self.file = file
    root = try? SettingsFile(name: file, text: text).root
  }

  func warning(_ field: [String], _ text: String) -> Warning {
    var node = root
    for name in field {
      guard let found = node?.entries(of: "").first(where: { $0.name == name })?.node else { break }
      node = found
    }
    return Warning(file: file, line: node?.line ?? 0, field: field.joined(separator: "."), text: text)
  }
}

// MARK: A map for itself

extension Warning {
  /// What a Modbus map lets expect, whatever device it is used for.
  static func all(of map: ModbusMap, in lines: MapLines) -> [Warning] {
    overlaps(map, lines) + map.groups.compactMap { parts($0, map, lines) } + units(of: map, in: lines)
  }

  /// A tag with its place in the file.
  private struct Placed {
    let tag: ModbusTag
    let field: [String]
  }

  private static func placed(_ map: ModbusMap) -> [Placed] {
    map.groups.flatMap { group in
      (group.trigger.map { [Placed(tag: $0.tag, field: ["groups", group.name, "trigger"])] } ?? [])
        + group.tags.map { Placed(tag: $0, field: ["groups", group.name, "tags", $0.name]) }
    }
  }

  /// Two values that share words and understand them differently: one of them is not what it is called.
  private static func overlaps(_ map: ModbusMap, _ lines: MapLines) -> [Warning] {
    var warnings: [Warning] = []
    for table in ModbusAddress.Table.allCases {
      let sorted = placed(map).filter { $0.tag.address.table == table }
        .sorted { $0.tag.range.lowerBound < $1.tag.range.lowerBound }
      for (index, first) in sorted.enumerated() {
        for second in sorted[(index + 1)...] {
          guard second.tag.range.lowerBound < first.tag.range.upperBound else { break }
          guard differ(first.tag, second.tag) else { continue }
          warnings.append(
            lines.warning(
              second.field,
              "\(second.tag.name) (\(second.tag.type.rawValue) at \(second.tag.address)) shares words with "
                + "\(first.tag.name) (\(first.tag.type.rawValue) at \(first.tag.address)), which "
                + "\(first.tag.range.count == 1 ? "is" : "are") understood in another way there: see which of "
                + "both the device means"))
        }
      }
    }
    return warnings
  }

  /// Bits of a word, and the word itself beside its bits, are how status words are meant.
  private static func differ(_ first: ModbusTag, _ second: ModbusTag) -> Bool {
    let isBit = [first, second].contains { $0.type == .bool || $0.type == .bits }
    if first.range.count == 1, second.range.count == 1, isBit { return false }
    return first.range != second.range || first.type != second.type || first.order != second.order
  }

  /// A cycle's values that come in several answers can be of two cycles, unless the device waits.
  private static func parts(_ group: ModbusGroup, _ map: ModbusMap, _ lines: MapLines) -> Warning? {
    guard let trigger = group.trigger, trigger.acknowledge == nil, trigger.guardTag == nil else { return nil }
    let block = map.plan.parts.filter { $0.group == group.name && $0.purpose == .block }.flatMap(\.requests)
    guard block.count > 1 else { return nil }
    let places = block.map { "\($0.table.rawValue):\($0.address) (\($0.count))" }.joined(separator: ", ")
    return lines.warning(
      ["groups", group.name],
      "a cycle takes \(block.count) requests, \(places), and nothing makes the device wait: the next cycle may begin in "
        + "between. Let an acknowledge bind them, or put the tags into one table")
  }
}
