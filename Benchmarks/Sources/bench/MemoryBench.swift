/// Memory of an edge that has nothing to do: one station, two PLCs whose values are asked each second.
func memoryBench(rounds: Int) async throws -> [Measurement] {
  let ports = try serve(2)
  var own = Measurement(name: "idle edge, memory of its own (RssAnon)", unit: "MB", ours: [], goal: .atMost(8))
  var resident = Measurement(name: "idle edge, resident (RSS)", unit: "MB", ours: [], goal: .atMost(45))
  for _ in 0..<rounds {
    try await withScratch { folder in
      let settings = try EdgeFolder(folder, ports: ports.map(Int.init), registers: 10, every: "1s", report: "change")
      let daemon = try settings.start()
      try await daemon.ready { isOpen(settings.port.port) }
      try await Task.sleep(for: .seconds(5))
      let memory = try daemon.memory()
      own.ours.append(memory.own)
      resident.ours.append(memory.resident)
      daemon.stop()
    }
  }
  return [own, resident]
}
