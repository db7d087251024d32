/// Tells one story again and again on a simulated disk: with each call failing, and with the power gone before each change.
///
/// It stands apart from what it looks at: a story says what it was promised, and what of it is missing afterwards.
public struct FaultSweep: Sendable {
  /// What is there to be compared once the disk is healed, or cut: what was promised and is missing, a sentence each.
  public typealias Comparison = @Sendable () async -> [String]

  /// Tells the story in a folder; it ends abruptly on the disk that it is given, where it is given one.
  private let story: @Sendable (ScratchFolder, _ endingAbruptlyOn: SimulatedDisk?) async -> Comparison

  /// What one telling came to.
  public struct Telling {
    public let counts: SimulatedDisk.Counts
    public let complaints: [String]
  }

  /// What a sweep came to.
  public struct Outcome {
    /// How many calls, or changes, the story has.
    public fileprivate(set) var total = 0
    /// How often each kind of misfortune happened.
    public fileprivate(set) var happened: [String: Int] = [:]
    /// How many calls failed.
    public fileprivate(set) var failed = 0
    public fileprivate(set) var complaints: [String] = []

    fileprivate mutating func note(_ told: Telling, _ what: String) {
      happened.merge(told.counts.happened) { $0 + $1 }
      complaints += told.complaints.map { "\(what): \($0)" }
    }
  }

  public init(_ story: @escaping @Sendable (ScratchFolder, SimulatedDisk?) async -> Comparison) { self.story = story }

  /// Fails each `step`th call of a kind, in every way that it can, once and from then on; then there is a plain start, or
  /// the power goes and then there is one: both of them, or where `alternates` the one after the other.
  public func sweep(
    _ call: SimulatedDisk.Call, from first: Int = 1, every step: Int, alternates: Bool = false
  ) async throws -> Outcome {
    var outcome = Outcome()
    outcome.total = try await tell { _ in }.counts.calls[call, default: 0]
    // Of few calls all are taken: one alone may stand where its one ending does not come to it.
    let (first, step) = alternates && outcome.total < 2 * step ? (1, 1) : (first, step)
    for nth in stride(from: max(1, min(first, outcome.total)), through: outcome.total, by: step) {
      for fault in Self.faults(of: call) {
        for forever in [false, true] {
          // An error that comes once is soon forgotten, and then the power goes: the worse of both ends.
          let endings = alternates ? [!forever || nth % 2 == 1] : [false, true]
          for isCut in endings {
            let told = try await tell(cut: isCut ? UInt64(nth) : nil, endsAbruptly: isCut) {
              $0.fail(call, nth: nth, forever: forever, fault)
            }
            outcome.note(
              told,
              "\(call) \(nth) of \(outcome.total): \(fault), \(forever ? "for ever" : "once"), then a \(isCut ? "cut" : "start")"
            )
            outcome.failed += told.counts.failed[call, default: 0]
          }
        }
      }
    }
    return outcome
  }

  /// Takes the power before each `step`th change, with several outcomes of the same cut.
  public func cut(from first: Int = 1, every step: Int, seeds: UInt64) async throws -> Outcome {
    var outcome = Outcome()
    outcome.total = try await tell { _ in }.counts.changes
    for nth in stride(from: max(1, min(first, outcome.total)), through: outcome.total, by: step) {
      for seed in 0..<seeds {
        let told = try await tell(cut: UInt64(nth) * 1000 + seed) { $0.stop(before: nth) }
        outcome.note(told, "change \(nth) of \(outcome.total), seed \(seed)")
      }
    }
    return outcome
  }

  /// Tells the story on a disk of its own, with what `plan` says, and compares; `cut` is the seed of a cut at its end.
  public func tell(cut: UInt64? = nil, endsAbruptly: Bool = false, _ plan: (SimulatedDisk) -> Void) async throws
    -> Telling
  {
    let folder = try ScratchFolder()
    let disk = SimulatedDisk(folder.path)
    plan(disk)
    let comparison = await story(folder, endsAbruptly ? disk : nil)
    let counts = disk.counts
    disk.heal()
    if let cut {
      disk.stop()
      disk.goOnAfterCut(seed: cut)
    }
    let complaints = await comparison()
    return Telling(counts: cut == nil ? counts : disk.counts, complaints: complaints)
  }

  private static func faults(of call: SimulatedDisk.Call) -> [SimulatedDisk.Fault] {
    var faults: [SimulatedDisk.Fault] = [.io]
    if [.write, .sync, .size, .open].contains(call) { faults.append(.full) }
    if [.read, .write].contains(call) { faults.append(.half) }
    return faults
  }
}
