import CReference
import Foundation
import Machine

/// Ten minutes of fifty PLCs through queue and forwarding: the edge's CPU, and whether its memory stays what it is.
enum SteadyBench {
  static func measure(seconds: Int) async throws -> [Measurement] {
    let ports = try serve(PollBench.devices)
    return try await withScratch { folder in
      let central = try CentralFolder(folder, sources: ["bench"])
      let store = try await central.start()
      let settings = try EdgeFolder(
        folder, ports: ports.map(Int.init), registers: PollBench.registers, every: "\(PollBench.interval)ms",
        central: central.url)
      let daemon = try settings.start()
      try await daemon.ready { reference_answered() > UInt64(20 * ports.count) }
      // SQLite fills its cache in the first minute or two.
      let warmUp = min(120, seconds / 5)
      try await Task.sleep(for: .seconds(warmUp))
      let (cpu, answers) = (try daemon.cpuSeconds(), reference_answered())
      let open = try daemon.descriptors()
      var own: [Double] = []
      for _ in 0..<(seconds - warmUp) {
        own.append(try daemon.memory().own)
        try await Task.sleep(for: .seconds(1))
      }
      let readings = Double(reference_answered() - answers) * Double(PollBench.registers)
      let used = try daemon.cpuSeconds() - cpu
      let opened = try daemon.descriptors()
      daemon.stop()
      store.stop()
      let tenth = max(1, own.count / 10)
      return [
        Measurement(
          name: "50 PLCs x 100 registers x 100 ms through queue and forwarding, CPU of the edge",
          unit: "s per million readings", ours: [used / readings * 1e6]),
        Measurement(
          name: "the same, memory of its own (RssAnon), last tenth of \(seconds) s less the first", unit: "MB",
          ours: [median(Array(own.suffix(tenth))) - median(Array(own.prefix(tenth)))], goal: .atMost(1)),
        Measurement(name: "the same, memory of its own, median", unit: "MB", ours: [median(own)]),
        Measurement(name: "the same, most", unit: "MB", ours: [own.max() ?? .nan]),
        Measurement(
          name: "the same, descriptors opened meanwhile", unit: "descriptors", ours: [Double(opened - open)],
          goal: .atMost(2)),
      ]
    }
  }
}
