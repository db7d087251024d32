import Foundation
import Machine
import Queue

/// Settings, map and queue of an edge in a scratch folder: one station with Modbus devices that are read whole.
struct EdgeFolder {
  let path: String
  let port: ReservedPort

  /// - Parameters:
  ///   - registers: of each group, each register a tag.
  ///   - groups: how many of them, all at the same rate.
  ///   - scanner: the serial line of one that ends its codes with CR; nil: there is none.
  ///   - acknowledges: whether that scanner waits for its beep.
  ///   - central: where events are pushed to; nil: nowhere.
  init(
    _ path: String, ports: [Int], registers: Int, every: String, report: String = "always", groups: Int = 1,
    scanner: String? = nil, acknowledges: Bool = false, central: String? = nil
  ) throws {
    self.path = path
    port = try ReservedPort()
    try FileManager.default.createDirectory(atPath: path + "/devices", withIntermediateDirectories: true)
    let group = (0..<groups).map { group in
      let tags = (0..<registers).map { number in
        let register = group * registers + number
        return "      r\(register): { at: \"holding:\(register)\", type: uint16 }\n"
      }
      return """
          process\(groups == 1 ? "" : "-\(group)"):
            every: \(every)
            report: \(report)
            tags:
        \(tags.joined())
        """
    }.joined()
    try write(
      """
      kind: modbus
      about: Registers that change with every answer
      addresses: zero-based
      groups:
      \(group)
      """, to: path + "/devices/registers.yaml")
    var devices = ports.enumerated().map { number, port in
      "      plc-\(number): { map: registers, address: \"127.0.0.1:\(port)\" }\n"
    }.joined()
    if let scanner {
      try write(
        """
        kind: serial
        about: Codes that end with CR
        line: 115200 8N1
        frame: { end: "\\r" }
        \(acknowledges ? "acknowledge: { accepted: \"\\x06\", refused: \"\\x15\" }" : "")
        codes:
          - { match: "^(?<unit>SN[0-9]{4,12})$" }

        """, to: path + "/devices/scanner.yaml")
      devices += "      scanner: { map: scanner, port: \"\(scanner)\" }\n"
    }
    try write(
      """
      source: bench
      stations:
        ST10:
          devices:
      \(devices)queue: { path: \(path)/queue.db, limit: 10GB, keep: 30d }
      web: { listen: "127.0.0.1:\(port.port)" }
      control: { socket: \(path)/edge.sock }
      \(central.map { "central: { url: \"\($0)\" }" } ?? "")

      """, to: path + "/edge.yaml")
  }

  func start() throws -> Daemon {
    try Daemon(Daemon.program, ["edge", "run", "--config", path + "/edge.yaml"], log: path + "/edge.log")
  }

  /// How many events are in the queue, once the edge has stopped.
  func storedEvents() async throws -> UInt64 {
    let queue = try await EventQueue.open(
      QueueSettings(path: path + "/queue.db"), source: try namedSource("bench"), logger: quiet)
    let last = queue.status.last
    await queue.close()
    return last
  }
}
