import Devices
import Events
import TestParts
import Testing

/// What a line's machines and scanners were told is kept, held against what the central has.
///
/// It stands apart from the program: the PLCs and scanners of a test note each acknowledge themselves.
struct LineLedger {
  let plcs: [SerialPLC]
  var scanners: [InsistentScanner] = []
  /// Acknowledges that say nothing, because the disk's power was cut while its last flush was under way.
  var unsure = Acknowledges()
  /// Whether a queue may have gone back, so that what it took next stands under numbers that the central has otherwise:
  /// there it is beside the record, and the ledger says so.
  var mayBranch = false

  /// Serials and codes by the device that was told that they are kept.
  struct Acknowledges {
    var cycles: [String: Set<UInt32>] = [:]
    var scans: [String: Set<String>] = [:]

    var count: Int { cycles.values.reduce(0) { $0 + $1.count } + scans.values.reduce(0) { $0 + $1.count } }

    mutating func formUnion(_ other: Acknowledges) {
      cycles.merge(other.cycles) { $0.union($1) }
      scans.merge(other.scans) { $0.union($1) }
    }

    func subtracting(_ other: Acknowledges) -> Acknowledges {
      Acknowledges(
        cycles: Dictionary(
          uniqueKeysWithValues: cycles.map { ($0.key, $0.value.subtracting(other.cycles[$0.key] ?? [])) }),
        scans: Dictionary(uniqueKeysWithValues: scans.map { ($0.key, $0.value.subtracting(other.scans[$0.key] ?? [])) })
      )
    }
  }

  /// What rests on flushes until a moment, each of a piece's two by itself: that of its record, and that of the end of the
  /// handshake before it.
  struct Flushed {
    var acknowledged: Acknowledges
    var following: Acknowledges

    /// The pieces and scans of which one of the two came since `earlier`.
    func since(_ earlier: Flushed) -> Acknowledges {
      var new = acknowledged.subtracting(earlier.acknowledged)
      new.formUnion(following.subtracting(earlier.following))
      return new
    }
  }

  /// All acknowledges until now.
  func acknowledged() async -> Acknowledges { await all { await $0.acknowledged } }

  /// What rests on a flush before now.
  func flushed() async -> Flushed {
    Flushed(acknowledged: await acknowledged(), following: await all { await $0.following })
  }

  private func all(_ cycles: (SerialPLC) async -> Set<UInt32>) async -> Acknowledges {
    var all = Acknowledges()
    for plc in plcs { all.cycles[plc.name] = await cycles(plc) }
    for scanner in scanners { all.scans[scanner.name] = await scanner.acknowledged }
    return all
  }

  /// Waits until the central has everything that was acknowledged, and checks that it has it once, with its own values,
  /// and that nothing is said to be missing that is not.
  func compare(with line: LineFolder, expecting gap: String? = "daemon-down") async throws {
    let answers = CentralAnswers(url: line.centralURL)
    try await answers.ready()
    let sure = await acknowledged().subtracting(unsure)
    var cycles: [String: [UInt32: Int]] = [:]
    var scans: [String: Set<String>] = [:]
    func missing() -> [String] {
      sure.cycles.flatMap { name, serials in
        serials.subtracting((cycles[name] ?? [:]).keys).sorted().map { "\(name) \($0)" }
      } + sure.scans.flatMap { name, codes in codes.subtracting(scans[name] ?? []).sorted().map { "\(name) \($0)" } }
    }
    do {
      var through: Int64 = -1
      repeat {
        // Where much is still to come it is not all read again and again, which would only hold that up.
        try await eventually("the central stands still", within: .seconds(3600), every: .milliseconds(300)) {
          let before = through
          through = try await received(answers)
          return before == through || before < 0
        }
        (cycles, scans) = try await stored(answers)
        if missing().isEmpty { break }
        try await eventually("the central gets more", within: .seconds(90), every: .milliseconds(300)) {
          try await received(answers) > through
        }
      } while true
    } catch is Impatience {
      let gaps = try await answers.all("/v1/gaps?limit=500")
        .map { "\($0["kind"]?.text ?? "") \($0["from"]?.text ?? "") \($0["reason"]?.text ?? "")" }
      Issue.record(
        """
        \(missing().count) of \(sure.count) acknowledged are not at the central: \(missing().prefix(20)); its gaps: \
        \(gaps.filter { !$0.hasPrefix("daemon-down") && !$0.hasPrefix("device-offline") }.suffix(30))
        """)
    }
    for plc in plcs {
      let doubled = (cycles[plc.name] ?? [:]).filter { $0.value > 1 }.keys.sorted()
      #expect(doubled.isEmpty, "\(plc.name): serials stored more than once: \(doubled)")
      #expect(sure.cycles[plc.name]?.isEmpty == false)
    }
    let gaps = try await answers.all("/v1/gaps?limit=500")
    if let gap { #expect(gaps.contains { $0["kind"]?.text == gap }) }
    #expect(!gaps.contains { $0["kind"]?.text == "sequence-hole" })
    let missed = gaps.filter { $0["kind"]?.text == "missed-cycles" }.reduce(0) { $0 + ($1["count"]?.whole ?? 1) }
    #expect(missed <= unsure.cycles.values.reduce(0) { $0 + $1.count }, "\(missed) cycles are said to be missed")
  }

  /// How many events the central says to have.
  private func received(_ answers: CentralAnswers) async throws -> Int64 {
    try await answers.json("/v1/sources")["items"]?.items?.reduce(0) { sum, source in
      sum + (source["incarnations"]?.items ?? []).reduce(0) { $0 + ($1["received_through"]?.whole ?? 0) }
    } ?? 0
  }

  /// What the record has, and where a queue may have gone back what stands beside it of which the record has nothing.
  private func stored(_ answers: CentralAnswers) async throws -> (
    cycles: [String: [UInt32: Int]], scans: [String: Set<String>]
  ) {
    var cycles = try cycles(in: try await answers.all("/v1/events?type=lotline.cycle&limit=1000"))
    var scans = scans(in: try await answers.all("/v1/events?type=lotline.scan&limit=1000"))
    guard mayBranch else { return (cycles, scans) }
    let beside = try await answers.all("/v1/conflicts?limit=1000").compactMap { $0["event"] }
    let isTold = try await answers.all("/v1/gaps?kind=conflict").count > 0
    #expect(beside.isEmpty || isTold, "lines stand beside the record, and no gap says so")
    for (name, serials) in try self.cycles(in: beside.filter { $0["type"]?.text == "lotline.cycle" }) {
      for serial in serials.keys where cycles[name]?[serial] == nil { cycles[name, default: [:]][serial] = 1 }
    }
    for (name, codes) in self.scans(in: beside.filter { $0["type"]?.text == "lotline.scan" }) {
      scans[name, default: []].formUnion(codes)
    }
    return (cycles, scans)
  }

  private func cycles(in events: [JSON]) throws -> [String: [UInt32: Int]] {
    var stored: [String: [UInt32: Int]] = [:]
    for event in events {
      let cycle = try #require(event["data"].flatMap { CycleData($0) })
      guard case .int(let serial) = cycle.tags.first(where: { $0.name == "serial" })?.value else {
        Issue.record("a cycle without its serial: \(cycle)")
        continue
      }
      guard case .double(let force) = cycle.tags.first(where: { $0.name == "force" })?.value else {
        Issue.record("a cycle without its force: \(cycle)")
        continue
      }
      #expect(force == Double(serial) / 4, "cycle \(serial) has another's value")
      let isBit = cycle.device.hasPrefix("flag")
      #expect(cycle.trigger == (isBit ? 1 : UInt64(UInt16(truncatingIfNeeded: serial))))
      stored[cycle.device, default: [:]][UInt32(serial), default: 0] += 1
    }
    return stored
  }

  private func scans(in events: [JSON]) -> [String: Set<String>] {
    var stored: [String: Set<String>] = [:]
    for event in events {
      guard let scan = event["data"].flatMap({ ScanData($0) }), let text = scan.text else { continue }
      stored[scan.device, default: []].insert(text)
    }
    return stored
  }
}
