import Events
import Foundation

/// Keeps the ledger while the line runs, and shows what happens, a line each.
actor Bookkeeper {
  private(set) var ledger = Ledger()
  /// What went wrong, with its moment in seconds; for the summary.
  private(set) var misfortunes: [(seconds: Double, text: String)] = []
  private let began: ContinuousClock.Instant
  private let show: @Sendable (String) -> Void

  init(began: ContinuousClock.Instant, show: @escaping @Sendable (String) -> Void) {
    self.began = began
    self.show = show
  }

  /// Shows a line with its moment and place.
  func say(_ place: String, _ text: String, isMisfortune: Bool = false) {
    let seconds = (ContinuousClock.now - began).inSeconds
    if isMisfortune { misfortunes.append((seconds, "\(place): \(text)")) }
    let time = String(format: "%6.1f", seconds)
    show("\(time) \(isMisfortune ? "!" : " ") \(place.padding(toLength: 8, withPad: " ", startingAt: 0)) \(text)")
  }

  func add(_ cycle: Ledger.Cycle) { ledger.cycles.append(cycle) }
  func add(_ scan: Ledger.Scan) { ledger.scans.append(scan) }
  func add(_ gap: Ledger.Gap) { ledger.gaps.append(gap) }
  func add(_ blindness: Ledger.Blindness) { ledger.blindness.append(blindness) }
  func finish(_ unit: String) { ledger.finished.insert(unit) }

  func load(_ coil: String, at station: String) {
    ledger.loadings.append(
      Ledger.Loading(
        station: station, coil: coil, accepted: Moment.now().time,
        cyclesBefore: ledger.cycles.count { $0.station == station }))
  }

  /// The lines that `--hide-cycle` takes out, so that a test sees that the comparison can fail.
  func hideLastCycle() { _ = ledger.cycles.popLast() }
}
