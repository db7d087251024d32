import ArgumentParser
import Events
import Web

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "How this line PC stands: devices, context, queue, central.",
    discussion: """
      Exit status 1 where it is not capturing, a device is not online, the page cannot be asked, or the settings in \
      force are older than files that cannot be used.

      EXAMPLES
        lotline status
        lotline status --json --config etc/lotline/edge.yaml
      """)

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      let answer = try await edge.asking().get("/v1/status")
      guard let status = answer.json else {
        throw Asking.Failure(description: "the edge's status is not JSON: is another program at its socket?")
      }
      if output.json { output.printRaw(answer.body) } else { show(status) }
      let devices = status["devices"]?.items ?? []
      let listeners = status["listeners"]?.items ?? []
      let isOutdated = status["settings"]?["outdated"]?.flag == true
      let isWell =
        !isOutdated && status["settings"]?["safe_mode"] == nil && devices.allSatisfy { $0["state"]?.text == "online" }
        && listeners.allSatisfy { $0["listening"]?.flag == true }
      if status["queue"]?["accepting"]?.flag != true || !isWell { throw ExitCode(1) }
    }
  }

  /// Whether the files say something else than what is in force.
  private func showSettings(_ settings: JSON?) {
    if let why = settings?["safe_mode"]?["why"]?.text { print(visible("safe mode: \(why)")) }
    let problems = settings?["problems"]?.items?.compactMap(\.text) ?? []
    if !problems.isEmpty { print("settings: older than the files, which cannot be used:") }
    for problem in problems { print(visible("  \(problem)")) }
    let waiting = settings?["next_start"]?.items?.compactMap(\.text) ?? []
    if !waiting.isEmpty {
      print(visible("settings: takes effect at the next start: \(waiting.joined(separator: ", "))"))
    }
  }

  private func show(_ status: JSON) {
    let clock = WallClock(now: status["time"]?.time ?? Moment.now().time)
    // The sentences are made for programs too; a person reads their time from the wall.
    let since = status["central"]?["since"]
    func told(_ words: JSON?) -> String {
      let words = words?.text ?? "?"
      guard let exact = since?.text, let time = since?.time else { return words }
      return words.replacing(exact, with: clock.text(time))
    }
    print(visible("\(status["source"]?.text ?? "?"), \(clock.whole(clock.now)): \(told(status["capturing"]))"))
    let queue = status["queue"]
    print(
      "queue: \(queue?["last"]?.whole ?? 0) events given, \(queue?["unsent"]?.whole ?? 0) not at the central yet, "
        + "\((queue?["bytes"]?.whole ?? 0) / 1_000_000) of \((queue?["limit_bytes"]?.whole ?? 0) / 1_000_000) MB")
    if let words = status["central"]?["words"] { print(visible("central: \(told(words))")) }
    if let rewind = queue?["rewind"], let at = rewind["at"]?.time {
      print(visible("alarm \(clock.text(at)): \(rewind["words"]?.text ?? "")"))
    }
    for event in queue?["held"]?.items ?? [] {
      let since = event["since"]?.time.map { clock.text($0) } ?? "?"
      print(visible("held back since \(since): event \(event["id"]?.text ?? "?"): \(event["why"]?.text ?? "?")"))
    }
    for listener in status["listeners"]?.items ?? [] where listener["listening"]?.flag == false {
      let (name, place) = (listener["name"]?.text ?? "", listener["place"]?.text ?? "")
      print(visible("\(name): does not listen on \(place): \(listener["reason"]?.text ?? "")"))
    }
    showSettings(status["settings"])
    print("")
    var devices = Table("DEVICE", "STATION", "STATE", "SINCE", "GOOD", "FAULTS", "ADDRESS", "REASON")
    for device in status["devices"]?.items ?? [] {
      let faults = (device["faults"]?.members ?? []).map { "\($0.name) \($0.value.whole ?? 0)" }
      devices.add(
        device["name"]?.text ?? "", device["station"]?.text ?? "", device["state"]?.text ?? "starting",
        device["since"]?.time.map { clock.text($0) } ?? "", "\(device["good"]?.whole ?? 0)",
        faults.joined(separator: ", "),
        device["address"]?.text ?? "", device["reason"]?.text ?? "")
    }
    devices.show()
    print("")
    var stations = Table("STATION", "FIELD", "VALUE")
    for station in status["stations"]?.items ?? [] {
      let fields = station["context"]?.members ?? []
      if fields.isEmpty { stations.add(station["station"]?.text ?? "", "", "nothing scanned yet") }
      for field in fields { stations.add(station["station"]?.text ?? "", field.name, field.value.text ?? "") }
    }
    stations.show()
  }
}
