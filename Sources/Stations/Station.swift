internal import Devices
internal import Events

/// One station at work: takes reports one after the other, in the order in which they arrive.
///
/// A scan or a cycle changes what the next report is stamped with, so its commit is waited for. Readings change
/// nothing: they are stamped in their turn and handed to the queue, and the next report need not wait for them.
actor Station {
  let rules: StationRules
  let append: Append
  var memory: StationMemory
  /// Whether the queue's life is known to be the one in which the memory was written: not before the first commit.
  var isSettled = false
  /// Readings that the queue did not take, and what it remembers of that.
  var shedding: Shedding
  var keptShedding: Shedding
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(
    _ rules: StationRules, _ memory: StationMemory, shedding: Shedding = Shedding(), append: @escaping Append
  ) {
    self.rules = rules
    self.memory = memory
    self.shedding = shedding
    keptShedding = shedding
    self.append = append
  }

  /// Writes a report down; returns after its commit, or says why it was refused, in which case nothing changed.
  func take(_ report: Report) async -> Acceptance {
    await turn()
    if report.isPassing, isSettled { return await pass(report) }
    defer { endTurn() }
    if case .cycle(let cycle) = report, rules.isKnown(cycle, memory) { return .accepted }
    let rules = rules
    let before = memory
    do throws(Refusal) {
      let committed = try await append { rules.outcome(of: report, upon: before, at: $0).entry }
      memory = rules.outcome(of: report, upon: before, at: committed.place).memory
      isSettled = true
      return .accepted
    } catch {
      return refused(report, error)
    }
  }

  /// What is in effect now.
  var context: StationContext { StationContext(rules.settings, memory) }

  /// Submits a report in its turn, and waits for the commit outside of it.
  private func pass(_ report: Report) async -> Acceptance {
    let rules = rules
    let before = memory
    endTurn()
    do throws(Refusal) {
      let committed = try await append { rules.passingEntry(of: report, upon: before, at: $0) }
      // A new life of the queue, seen first by a report that may not touch the state: the next one carries it over.
      if committed.place.incarnation != before.incarnation, before.incarnation == memory.incarnation {
        isSettled = false
      }
      return .accepted
    } catch {
      return refused(report, error)
    }
  }

  /// A reading that is refused is gone, which is counted; all else the device keeps, or says so itself.
  private func refused(_ report: Report, _ why: Refusal) -> Acceptance {
    if case .reading(let reading) = report, why != .closed {
      shedding.refused(reading.device, at: reading.moment.time, reason: why.description)
    }
    return .refused(why.description)
  }

  func turn() async {
    guard isBusy else {
      isBusy = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }  // the turn is handed over, so that nobody steps in between
  }

  func endTurn() {
    if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
  }
}
