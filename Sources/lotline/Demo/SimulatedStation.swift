import Devices
import Events

/// A station of the simulated line: a machine with its PLC, a scanner, and an operator who scans until it beeps.
actor SimulatedStation {
  /// What the operator, or fate, does before the next unit.
  enum Wish: Sendable {
    case changeCoil(String)
    case confirmCoil
    case changeOperator(String)
    /// The next unit is not scanned.
    case forgetScan
    /// Pieces are made by hand; the PLC counts so many that nobody can see, and one more.
    case jump(UInt64)
    /// Nothing, but the next cycle is waited for.
    case witness
  }

  nonisolated let name: String
  nonisolated let plc: SimulatedPLC
  nonisolated let scanner: SimulatedScanner
  nonisolated let scannerName: String
  nonisolated let hasCoil: Bool
  private let book: Bookkeeper
  private let pace: Duration
  private var worker = ""
  private var lot = ""
  private var coil: String?
  /// When a scan was last accepted.
  private(set) var lastAccepted = Moment.now().time
  private var wishes: [(wish: Wish, granted: CheckedContinuation<Void, Never>)] = []

  init(
    name: String, plc: SimulatedPLC, scanner: SimulatedScanner, scannerName: String, hasCoil: Bool, book: Bookkeeper,
    pace: Duration
  ) {
    self.name = name
    self.plc = plc
    self.scanner = scanner
    self.scannerName = scannerName
    self.hasCoil = hasCoil
    self.book = book
    self.pace = pace
  }

  /// The shift begins: who works, on which lot, with which coil.
  func begin(operator worker: String, lot: String, coil: String) async throws {
    try await signIn(worker)
    try await present(DemoCodes.lot(lot))
    self.lot = lot
    if hasCoil { try await load(coil) }
    await book.say(name, "operator \(worker), lot \(lot)\(hasCoil ? ", coil \(coil)" : "")")
  }

  /// Returns when the wish came true and the cycle after it was acknowledged.
  func grant(_ wish: Wish) async {
    await withCheckedContinuation { wishes.append((wish, $0)) }
  }

  /// Works on what comes until nothing more does.
  func work(from before: Conveyor, to after: Conveyor?) async throws {
    while let unit = await before.take() {
      try await work(on: unit)
      if let after { await after.put(unit) } else { await book.finish(unit) }
    }
    await after?.close()
    for wish in wishes { wish.granted.resume() }
    wishes = []
  }

  private func work(on unit: String) async throws {
    let granted = wishes
    wishes = []
    defer { for wish in granted { wish.granted.resume() } }
    var isForgotten = false
    for (wish, _) in granted {
      switch wish {
      case .changeCoil(let new):
        await book.say(name, "coil changed from \(coil ?? "none") to \(new)", isMisfortune: true)
        try await load(new)
      case .confirmCoil:
        if let coil { try await load(coil) }
      case .changeOperator(let new):
        await book.say(name, "operator changed from \(worker) to \(new)", isMisfortune: true)
        try await signIn(new)
      case .forgetScan: isForgotten = true
      case .jump(let hidden): try await jump(over: hidden)
      case .witness: break
      }
    }
    if isForgotten {
      await book.say(name, "\(unit) is not scanned", isMisfortune: true)
    } else {
      try await present(DemoCodes.unit(unit))
    }
    try await Task.sleep(for: pace * 0.4)  // the machine works
    let made = try await cycle(unit: isForgotten ? nil : unit)
    if isForgotten {
      await addGap("missing-stamp", count: 1, from: made.shown, to: made.acknowledged)
      await addGap("missing-station", unit: unit, from: made.shown, to: made.acknowledged)
    }
    let verdict = made.result.map { ", \($0)" } ?? ""
    await book.say(name, "\(unit) done\(verdict), cycle \(made.trigger)")
    try await Task.sleep(for: pace * 0.2)  // on to the next station
  }

  /// Pieces without a unit that nobody scans: those that the counter passed over, and the one that is seen.
  private func jump(over hidden: UInt64) async throws {
    await book.say(name, "counter jumps: \(hidden) cycles that nobody could see", isMisfortune: true)
    let made = try await cycle(unit: nil, hiding: hidden)
    await addGap("missed-cycles", device: plc.name, count: hidden, from: made.shown, to: made.acknowledged)
    await addGap("missing-stamp", count: 1, from: made.shown, to: made.acknowledged)
  }

  private func cycle(unit: String?, hiding: UInt64 = 0) async throws -> SimulatedPLC.Made {
    guard let made = await plc.cycle(hiding: hiding) else { throw CancellationError() }
    await book.add(
      Ledger.Cycle(
        station: name, device: plc.name, trigger: made.trigger, unit: unit, operator: worker, lot: lot, coil: coil,
        result: made.result, values: made.values, shown: made.shown, acknowledged: made.acknowledged))
    return made
  }

  private func addGap(
    _ kind: String, device: String? = nil, unit: String? = nil, count: UInt64? = nil, from: Timestamp, to: Timestamp
  ) async {
    await book.add(
      Ledger.Gap(kind: kind, station: name, device: device, unit: unit, count: count, from: from, to: to))
  }

  private func signIn(_ worker: String) async throws {
    try await present(DemoCodes.operator(worker))
    self.worker = worker
  }

  private func load(_ coil: String) async throws {
    try await present(DemoCodes.coil(coil))
    self.coil = coil
    await book.load(coil, at: name)
  }

  /// Scans a code until the scanner beeps; a scan counts only then.
  private func present(_ code: String) async throws {
    var unanswered = 0
    while true {
      try Task.checkCancellation()
      unanswered += 1
      // A scanner without cable, or a port that nobody reads, answers nothing: the operator tries again.
      let answer = try? await scanner.scan(Array("\(code)\r".utf8), answerWithin: .seconds(1))
      unanswered -= answer?.count ?? 0
      if answer?.first == DemoCodes.accepted { break }
      try await Task.sleep(for: .milliseconds(200))
    }
    try await scanner.passOver(lateAnswers: unanswered)
    lastAccepted = Moment.now().time
    await book.add(Ledger.Scan(device: scannerName, text: code))
  }
}

/// The codes on the labels of the simulated line, as the map `line-scanner` reads them.
enum DemoCodes {
  /// ACK: the scan is on disk.
  static let accepted: UInt8 = 0x06

  static func `operator`(_ worker: String) -> String { "OP-\(worker)" }
  static func lot(_ lot: String) -> String { "LOT-\(lot)" }
  static func unit(_ unit: String) -> String { unit }
  static func coil(_ coil: String) -> String { coil }
}
