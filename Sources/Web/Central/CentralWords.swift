import Events
import Foundation
import Store

/// How the central's pages say things to people: times of the plant, kinds of gaps, evidence.
struct CentralWords: Sendable {
  private let calendar: Calendar

  init(timeZone: TimeZone) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    self.calendar = calendar
  }

  /// A moment in the plant's zone, to the second, with the exact time in the markup.
  func time(_ time: Timestamp) -> HTML {
    "<time datetime=\"\(time.description)\">\(text(time))</time>"
  }

  func text(_ time: Timestamp) -> String {
    let date = Date(timeIntervalSince1970: Double(time.microseconds) / 1e6)
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    func pad(_ number: Int?, _ width: Int = 2) -> String {
      let text = String(number ?? 0)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let zone =
      calendar.timeZone.secondsFromGMT(for: date) == 0 ? "UTC" : calendar.timeZone.abbreviation(for: date) ?? ""
    return "\(pad(parts.year, 4))-\(pad(parts.month))-\(pad(parts.day)) "
      + "\(pad(parts.hour)):\(pad(parts.minute)):\(pad(parts.second)) \(zone)"
  }

  /// How long, roughly, in the two largest units.
  func span(_ duration: Duration) -> String {
    let seconds = duration.components.seconds
    switch seconds {
    case ..<1: return "less than a second"
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    case ..<86400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    default: return "\(seconds / 86400) d \(seconds % 86400 / 3600) h"
    }
  }

  /// The kind of a gap in words; one that this version does not know stays as it is.
  static func kind(_ kind: String) -> String {
    let words = [
      "device-offline": "Device not reachable", "missed-polls": "Readings missed", "missed-cycles": "Cycles missed",
      "unreadable-scan": "Scan not readable", "no-read": "Scanner read nothing", "missing-stamp": "Field not known",
      "shed": "Readings thinned out", "released": "Events given up", "daemon-down": "Line PC not recording",
      "lost": "Events lost", "clock-unsynchronised": "Clock not synchronised", "missing-station": "Station left out",
      "sequence-hole": "Events missing in the chain", "held": "Event held back", "conflict": "Two histories",
      "source-silent": "Line PC not heard",
    ]
    return words[kind] ?? kind
  }

  /// What a link rests on, in words.
  static func evidence(_ evidence: LinkRecord.Evidence) -> String {
    switch evidence {
    case .scanned: "its code was read for this cycle"
    case .read: "the PLC said so"
    case .loaded: "it was in effect at the station"
    case .window: "only time connects them"
    case .planned: "it was planned"
    case .declared: "it was typed in"
    case .imported: "it was imported"
    }
  }

  static func value(_ value: TagValue) -> HTML {
    switch value {
    case .bool(let flag): HTML(text: flag ? "yes" : "no")
    case .int(let number): HTML(text: "\(number)")
    case .double(let number): HTML(text: "\(number)")
    case .decimal(let number): HTML(text: number.text)
    case .string(let text): HTML(text: text)
    case .bad(let reason, let raw):
      "<span class=\"bad\">no value: \(reason)\(raw.isEmpty ? "" : " (raw \(hex(raw)))")</span>"
    }
  }

  /// An identifier as a part of a path.
  static func path(_ id: String) -> String {
    var allowed = CharacterSet.alphanumerics
    allowed.insert(charactersIn: "-._~")
    return id.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
  }

  static func anchor(_ node: Node) -> HTML {
    "<a href=\"/\(node.kind.rawValue)/\(path(node.id))\">\(node.id)</a>"
  }
}
