import Foundation
import Testing

/// What the kernel says that a daemon takes.
struct Footprint {
  /// Memory of its own (RssAnon).
  var kilobytes = 0.0
  /// All that is resident, and the most that ever was (VmRSS, VmHWM).
  var resident = 0.0
  var peak = 0.0
  var descriptors = 0

  init() {}

  init(of program: Program) throws {
    let status = try String(contentsOfFile: "/proc/\(program.processIdentifier)/status", encoding: .utf8)
    func kilobytes(_ name: String) throws -> Double {
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      return Double(line.split(whereSeparator: { " \t".contains($0) })[1]) ?? 0
    }
    self.kilobytes = try kilobytes("RssAnon")
    resident = try kilobytes("VmRSS")
    peak = try kilobytes("VmHWM")
    descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.processIdentifier)/fd").count
  }
}
