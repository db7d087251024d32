internal import Devices
internal import Events
internal import NIOConcurrencyHelpers

/// One station at work: takes reports one after the other, in the order in which they arrive.
///
/// A scan or a cycle changes what the next report is stamped with, so its commit is waited for. Readings change
/// nothing: they are stamped in their turn and handed to the queue, and the next report need not wait for them.
actor Station {
  private(set) var rules: StationRules
  let append: Append
  /// For readings at a rate, whose commit nobody waits for.
  nonisolated private let offer: Offer?
  var memory: StationMemory
  /// Whether the queue's life is known to be the one in which the memory was written: not before the first commit.
  var isSettled = false
  /// Readings that the queue did not take, and what it remembers of that.
  nonisolated let shedding: NIOLockedValueBox<Shedding>
  var keptShedding: Shedding
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []
  /// Its rules and what it remembers while it rests and the memory is settled; nil while a report has its turn.
  nonisolated private let atRest = NIOLockedValueBox<(rules: StationRules, memory: StationMemory)?>(nil)

  init(
    _ rules: StationRules, _ memory: StationMemory, shedding: Shedding = Shedding(), append: @escaping Append,
    offer: Offer?
  ) {
    self.rules = rules
    self.memory = memory
    self.shedding = NIOLockedValueBox(shedding)
    keptShedding = shedding
    self.append = append
    self.offer = offer
  }

  /// Writes a report down; returns after its commit, or says why it was refused, in which case nothing changed.
  ///
  /// A reading that finds the station at rest goes to the queue by the caller's own thread.
  nonisolated func take(_ report: Report) async -> Acceptance {
    if report.isPassing, let rest = atRest.withLockedValue({ $0 }) {
      return await pass(report, rest.rules, upon: rest.memory)
    }
    return await takeInTurn(report)
  }

  /// Hands a reading to the queue and goes on; false while the station has a report in its turn, which goes first.
  nonisolated func offer(_ reading: Reading, _ outcome: @escaping @Sendable (Acceptance) -> Void) -> Bool {
    guard let offer, let (rules, before) = atRest.withLockedValue({ $0 }) else { return false }
    offer {
      rules.passingEntry(of: .reading(reading), upon: before, at: $0)
    } _: { [self] result in
      switch result {
      case .success(let committed):
        // A new life of the queue: the next report goes in its turn, and carries the state over.
        if committed.place.incarnation != before.incarnation { atRest.withLockedValue { $0 = nil } }
        outcome(.accepted)
      case .failure(let why): outcome(refused(.reading(reading), why))
      }
    }
    return true
  }

  private func takeInTurn(_ report: Report) async -> Acceptance {
    await turn()
    let rules = rules
    let before = memory
    if report.isPassing, isSettled {
      endTurn()
      return await pass(report, rules, upon: before)
    }
    defer { endTurn() }
    if case .cycle(let cycle) = report, rules.isKnown(cycle, before) { return .accepted }
    do throws(Refusal) {
      let committed = try await append { rules.outcome(of: report, upon: before, at: $0).entry }
      memory = rules.outcome(of: report, upon: before, at: committed.place).memory
      isSettled = true
      if case .scan(let scan) = report, let why = rules.whyUnusable(scan) { return .unusable(why) }
      return .accepted
    } catch {
      return refused(report, error)
    }
  }

  /// Takes other rules between two reports; what it remembers stays.
  ///
  /// - Parameter kept: the last cycles of all groups that are on disk, for groups that speak for this station only now.
  func change(to rules: StationRules, kept: [CycleKey: StationMemory.LastCycle]) async {
    await turn()
    defer { endTurn() }
    self.rules = rules
    memory.cycles = kept.merging(memory.cycles) { _, mine in mine }.filter { rules.isOwn($0.key) }
  }

  /// What is in effect now.
  var context: StationContext { StationContext(rules.settings, memory) }

  /// Hands a report that changes nothing to the queue, and waits for its commit beside the others' turns.
  nonisolated private func pass(
    _ report: Report, _ rules: StationRules, upon before: StationMemory
  ) async -> Acceptance {
    do throws(Refusal) {
      let committed = try await append { rules.passingEntry(of: report, upon: before, at: $0) }
      if committed.place.incarnation != before.incarnation { await unsettle(before) }
      return .accepted
    } catch {
      return refused(report, error)
    }
  }

  /// A new life of the queue, seen first by a report that may not touch the state: the next one carries it over.
  private func unsettle(_ before: StationMemory) {
    guard before.incarnation == memory.incarnation else { return }
    isSettled = false
    atRest.withLockedValue { $0 = nil }
  }

  /// A reading that is refused is gone, which is counted; all else the device keeps, or says so itself.
  nonisolated private func refused(_ report: Report, _ why: Refusal) -> Acceptance {
    if case .reading(let reading) = report, why != .closed {
      shedding.withLockedValue { $0.refused(reading.device, at: reading.moment.time, reason: why.description) }
    }
    return .refused(why.description)
  }

  func turn() async {
    atRest.withLockedValue { $0 = nil }
    guard isBusy else {
      isBusy = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }  // the turn is handed over, so that nobody steps in between
  }

  func endTurn() {
    guard waiting.isEmpty else {
      waiting.removeFirst().resume()
      return
    }
    isBusy = false
    if isSettled { atRest.withLockedValue { $0 = (rules, memory) } }
  }
}
