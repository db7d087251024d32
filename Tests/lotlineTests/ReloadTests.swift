import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Other settings for a daemon that runs: the whole program, its settings files, and PLCs on loopback.
@Suite(.timeLimit(minutes: 5)) struct ReloadTests {
  @Test func `only the device whose map changed gets another connection, and all else goes on`() async throws {
    let bench = try await ReloadBench(plcs: 3)
    try await bench.run { line, edge in
      let before = try await bench.status()
      let connections = try bench.connections()
      #expect(connections.map(\.count) == [1, 1, 1])
      try line.scratch.write(
        "devices/own.yaml", LineFolder.pressMap.replacing("unit: kN", with: "unit: N, scale: 1000"))
      try line.change("edge.yaml", "press-2: { map: counter", to: "press-2: { map: own")
      edge.signal(SIGHUP)
      try await eventually("it takes them; \(edge.said)") {
        edge.said.contains(
          "notice new settings are in force; changed files: edge.yaml, devices/own.yaml; restarted: press-2\n")
      }
      try await bench.moves("each PLC makes pieces with the new settings")
      let after = try bench.connections()
      #expect(after[0] == connections[0] && after[2] == connections[2], "the others keep their connection")
      #expect(after[1].count == 1 && after[1] != connections[1])
      let status = try await bench.status()
      #expect(status["incarnation"]?.text == before["incarnation"]?.text)
      #expect(try #require(status["queue"]?["last"]?.whole) > #require(before["queue"]?["last"]?.whole))
      for device in 0..<3 where device != 1 {
        let (old, new) = (before["devices"]?.items?[device], status["devices"]?.items?[device])
        #expect(try #require(new?["good"]?.whole) > #require(old?["good"]?.whole), "counts go on")
        #expect(new?["since"]?.text == old?["since"]?.text)
      }
      let own = try ConfigData(
        file: "devices/own.yaml", text: String(contentsOfFile: line.scratch.file("devices/own.yaml"), encoding: .utf8))
      #expect(status["settings"]?["files"]?.items?.contains { $0["sha256"]?.text == own.sha256 } == true)
      #expect(status["settings"]?["outdated"]?.flag == false)

      let events = try await bench.events()
      let configs = events.compactMap { $0["data"].flatMap { ConfigData($0) } }
      #expect(configs.map(\.file) == ["edge.yaml", "devices/counter.yaml", "edge.yaml", "devices/own.yaml"])
      #expect(configs.last == own)
      let holes = events.compactMap { $0["data"].flatMap { GapData($0) } }.filter { $0.kind == .deviceOffline }
      #expect(holes.map(\.device) == ["press-2"], "what nobody looked at is a gap: \(holes)")
      // History says with which map each value was read: before the new text no value of it, after it none of the old.
      let place = try #require(events.lastIndex { $0["type"]?.text == "lotline.config" })
      for (index, event) in events.enumerated() {
        guard let cycle = event["data"].flatMap({ CycleData($0) }), cycle.device == "press-2",
          case .int(let serial)? = cycle.tags.first(where: { $0.name == "serial" })?.value
        else { continue }
        let factor = index > place ? 1000.0 : 1
        #expect(cycle.tags.first { $0.name == "force" }?.value.number == Double(serial) / 4 * factor)
      }
    }
  }

  @Test func `files that cannot be used leave everything as it was, and everybody can see it`() async throws {
    let bench = try await ReloadBench(plcs: 2)
    try await bench.run { line, edge in
      let connections = try bench.connections()
      let good = try String(contentsOfFile: line.edge, encoding: .utf8)
      try line.change("devices/counter.yaml", "type: uint32", to: "type: uint33")
      try line.change("edge.yaml", "unit-ends: cycle", to: "unit-ends: cyle")
      let checked = try await Program.run(["check", line.edge], in: line.scratch)
      let problems = checked.output.split(separator: "\n").map(String.init)
      #expect(checked.status == 1 && problems.count == 3, "two stations and a map: \(problems)")
      let run = try await Program.run(["reload", "--config", line.edge], in: line.scratch)
      #expect(run.status == 1)
      #expect(run.output == "the settings in force stay as they were\n")
      #expect(run.messages.split(separator: "\n").map(String.init) == problems.map { "lotline: " + $0 })
      for problem in problems {
        #expect(edge.said.contains("error the settings in force stay as they were: \(problem)\n"), "\(edge.said)")
      }
      let status = try await bench.status()
      #expect(status["settings"]?["outdated"]?.flag == true)
      #expect(status["settings"]?["problems"]?.items?.compactMap(\.text) == problems)
      #expect(try await bench.metrics().contains("\nlotline_settings_outdated 1\n"))
      let people = try await Program.run(["status", "--config", line.edge], in: line.scratch)
      #expect(people.output.contains("settings: older than the files, which cannot be used"), "\(people.output)")
      #expect(people.status == 1)
      try await bench.moves("the line goes on")
      #expect(try bench.connections() == connections)
      #expect(try await bench.events().filter { $0["type"]?.text == "lotline.config" }.count == 2)

      try line.scratch.write("edge.yaml", good)
      try line.change("devices/counter.yaml", "type: uint33", to: "type: uint32")
      let again = try await Program.run(["reload", "--config", line.edge], in: line.scratch)
      #expect(again.output == "the settings were read again: nothing has changed\n" && again.status == 0)
      #expect(try await bench.metrics().contains("\nlotline_settings_outdated 0\n"))
      #expect(try bench.connections() == connections)
    }
  }

  @Test func `stations change, contexts stay, devices come and go, and what needs a start is named`() async throws {
    let bench = try await ReloadBench(plcs: 1, scanners: 1)
    try await bench.run { line, edge in
      #expect(try await bench.scan("OP-0815", 0) == [0x06])
      let other = try await SerialPLC(name: "press-9", .counter)
      try line.change(
        "edge.yaml", "  ST10:\n",
        to:
          "  ST20: { devices: { press-9: { map: counter, address: \"127.0.0.1:\(other.port)\" } } }\n  ST10:\n    product: P7\n"
      )
      try line.change("edge.yaml", "queue: {", to: "queue: { keep: 9d, ")
      try line.change("edge.yaml", "listen: \"127.0.0.1", to: "listen: \"127.0.0.2")
      let connections = try bench.connections()
      let run = try await Program.run(["reload", "--config", line.edge, "--json"], in: line.scratch)
      let answer = try #require(JSON(Array(run.output.utf8)))
      #expect(answer["taken"]?.flag == true && run.status == 0)
      #expect(answer["added"]?.items?.compactMap(\.text) == ["press-9"] && answer["restarted"]?.items?.isEmpty == true)
      #expect(answer["stations"]?.items?.compactMap(\.text) == ["ST20", "ST10"])
      #expect(answer["next_start"]?.items?.compactMap(\.text) == ["queue.keep", "web.listen"])
      #expect(answer["words"]?.text?.hasSuffix("; takes effect at the next start: queue.keep, web.listen") == true)
      try await eventually("the added device is there; \(edge.said)") {
        try await bench.status()["devices"]?.items?.first?["state"]?.text == "online"
      }
      let status = try await bench.status()
      #expect(status["devices"]?.items?.compactMap { $0["name"]?.text } == ["press-9", "press-1", "gun-1"])
      let context = status["stations"]?.items?.first { $0["station"]?.text == "ST10" }?["context"]
      #expect(context?["operator"]?.text == "0815" && context?["product"]?.text == "P7")
      #expect(try bench.connections() == connections)
      try await bench.moves("cycles have the new product")
      let last = try await bench.events().compactMap { $0["data"].flatMap { CycleData($0) } }.last
      #expect(last?.stamp?["product"] == "P7" && last?.stamp?["operator"] == "0815")

      try line.change("edge.yaml", "    product: P7\n", to: "")
      try line.change("edge.yaml", "press-1:", to: "press-one:")
      let gone = try await Program.run(["reload", "--config", line.edge], in: line.scratch)
      #expect(gone.output.contains("; added: press-one; removed: press-1; stations: ST10;"), "\(gone.output)")
      try await eventually("the old connection is gone and a new one there") {
        let now = try bench.connections()
        return now[0].count == 1 && now[0] != connections[0]
      }
    }
  }

  @Test func `a hang-up tells the service manager that it reloads, and when it is done`() async throws {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")], pulled: true)
    let manager = try NotifySocket(line.scratch)
    let edge = try Program(
      ["edge", "run", "--config", line.edge], in: line.scratch, name: "edge",
      environment: ["NOTIFY_SOCKET": manager.path])
    var heard: [String] = []
    try await eventually("it is ready; \(edge.said)") {
      heard += manager.heard()
      return heard.contains { $0.hasPrefix("READY=1") }
    }
    heard = []
    edge.signal(SIGHUP)
    try await eventually("it is ready again; \(edge.said)") {
      heard += manager.heard().filter { $0 != "WATCHDOG=1" }
      return heard.contains { $0.hasPrefix("READY=1") }
    }
    let words = heard.map { $0.split(separator: "\n").map(String.init) }
    #expect(words.first?.first == "RELOADING=1" && words.first?.last?.hasPrefix("MONOTONIC_USEC=") == true, "\(heard)")
    #expect(words.last?.first == "READY=1")
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0)
  }

  @Test func `fifty reloads under load lose no cycle and no scan, and leave nothing behind`() async throws {
    let bench = try await ReloadBench(plcs: 2, scanners: 2)
    try await bench.run { line, edge in
      let guns = Task {
        await withDiscardingTaskGroup { group in
          for scanner in bench.scanners { group.addTask { await scanner.run() } }
        }
      }
      defer { guns.cancel() }
      // The first PLC and the first scanner are restarted each time, the others never.
      try line.scratch.write("devices/own.yaml", LineFolder.pressMap)
      try line.scratch.write("devices/own-gun.yaml", LineFolder.scannerMap)
      try line.change("edge.yaml", "press-1: { map: counter", to: "press-1: { map: own")
      try line.change("edge.yaml", "gun-1: { map: gun", to: "gun-1: { map: own-gun")
      func reload(_ number: Int) async throws {
        let timeout = "requests: { timeout: \(500 + number)ms }"
        try line.scratch.write(
          "devices/own.yaml", LineFolder.pressMap.replacing("requests: { timeout: 500ms }", with: timeout))
        try line.scratch.write("devices/own-gun.yaml", LineFolder.scannerMap + "# \(number)\n")
        let answer = try await bench.ask("POST", "/v1/reload")
        #expect(answer["restarted"]?.items?.compactMap(\.text) == ["press-1", "gun-1"], "\(answer)")
      }
      for number in 1...5 { try await reload(number) }
      let connections = try bench.connections()
      let (threads, files) = (bench.count("task", of: edge), bench.count("fd", of: edge))
      for number in 6...50 { try await reload(number) }
      try await bench.moves("the line goes on")
      #expect(try bench.connections()[1] == connections[1])
      guns.cancel()
      await guns.value
      try await eventually("as many threads as before: \(threads)") { bench.count("task", of: edge) <= threads }
      try await eventually("as many descriptors as before: \(files)") { bench.count("fd", of: edge) <= files }
      try await bench.compare()
    }
  }
}
