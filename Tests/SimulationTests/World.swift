import Events
import Foundation
import NIOConcurrencyHelpers
import Queue
import Store
import TestParts

@testable import Forward

/// Line PCs, a network and a central, all of whose fortunes one seed decides.
///
/// Queue, delivery and store are the product's; disk and network are simulated. Each step is driven to its end before
/// the next begins. Not drawn from the seed: incarnations and SQLite's salts, which nothing here depends on, and the
/// queue's own "at most once a second", which a run of some hundredths of a second meets once.
final class World {
  let seed: UInt64
  var chance: Chance
  let folder: ScratchFolder
  let central: SimulatedCentral
  private(set) var edges: [SimulatedEdge] = []
  var ledger = Ledger()
  private(set) var step = 0
  var late: [(SourceName, Batch)] = []
  private(set) var isNetworkBad = true
  private(set) var counts: [String: Int] = [:]
  private(set) var complaints: [String] = []
  private let isTold: Bool
  private var time = Timestamp("2020-01-01T08:00:00Z")!
  private let keep: Duration

  init(seed: UInt64, isTold: Bool = false) throws {
    self.seed = seed
    self.isTold = isTold
    chance = Chance(seed: seed)
    folder = try ScratchFolder()
    // Half of the line PCs let go of what is safe, the others keep it.
    keep = chance.once(in: 2) ? .seconds(60) : .seconds(100 * 365 * 86400)
    try FileManager.default.createDirectory(atPath: folder.file("central"), withIntermediateDirectories: true)
    central = SimulatedCentral(folder: folder.file("central"))
    try addEdge(SourceName("line1")!, from: nil)
    if chance.once(in: 3) { try addEdge(SourceName("line2")!, from: nil) }
  }

  func tell(_ words: @autoclosure () -> String) { if isTold { print("\(step): \(words())") } }
  func count(_ what: String, _ number: Int = 1) {
    counts[what, default: 0] += number
    tell(what)
  }
  func complain(_ what: String) { complaints.append("step \(step): \(what)") }

  private func addEdge(_ source: SourceName, from image: String?) throws {
    let path = folder.file("edge-\(edges.count)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    if let image { try copyFiles(from: image, to: path) }
    var limits = DeliveryState.Limits()
    limits.lines = chance.number(1...12)
    edges.append(
      SimulatedEdge(
        edges.count, source: source, isPulled: image == nil && chance.once(in: 3), folder: path, keep: keep,
        limits: limits))
  }

  // MARK: The run

  /// Lives through all that the seed holds, then heals everything, brings the rest to the central, and closes.
  func run() async throws {
    for _ in 0..<chance.number(25...70) {
      step += 1
      try await recover()
      try await takeStep()
    }
    step += 1
    isNetworkBad = false
    central.disk.heal()
    for edge in edges { edge.disk.heal() }
    try await recover(hurry: true)
    while !late.isEmpty { await receiveLate() }
    await drain()
    // What a central lost that was put back amid all this is asked about when the deliveries begin anew.
    for edge in edges { edge.resetDelivery() }
    await drain()
    await close()
  }

  private func takeStep() async throws {
    let edge = chance.pick(edges)
    switch chance.number(1...100) {
    case 1...38: await append(edge)
    case 39...66: for _ in 0..<chance.number(1...8) { await deliver(edge) }
    case 67...70: await receiveLate()
    case 71...74: try? await edge.queue?.beat(at: time)
    case 75...78: edge.disk.stop(before: chance.number(1...12))
    case 79...82: central.disk.stop(before: chance.number(1...25))
    case 83...86: plan(edge.disk)
    case 87...88: plan(central.disk)
    case 89...91: stepClock()
    case 92...93: try takeImage(edge)
    case 94: try takeImageOfCentral()
    case 95...96: try await restore(edge)
    case 97: try await restoreCentral()
    case 98: try await clone(edge)
    case 99: await restart(edge)
    default: await restartCentral()
    }
  }

  private func append(_ edge: SimulatedEdge) async {
    guard let queue = edge.queue else { return }
    for _ in 0..<chance.number(1...2) {
      var events: [Event] = []
      var payloads: [String] = []
      for _ in 0..<chance.number(1...3) {
        let payload = ledger.payload(
          chance.once(in: 15) ? String(repeating: "long ", count: chance.number(100...1200)) : "event")
        time = time.adding(.milliseconds(chance.number(1...5000)))
        let moment = Moment(time: time, boottimeNanoseconds: UInt64(step))
        payloads.append(payload)
        events.append(
          chance.once(in: 4)
            ? Event(
              DeviceData(device: "plc", state: chance.once(in: 2) ? .online : .offline, reason: payload), at: moment,
              subject: "ST10")
            : Event(GapData(kind: .noRead, reason: payload), at: moment, subject: "ST10"))
      }
      let made = events
      do {
        let committed = try await queue.append { _ in Entry(events: made) }
        ledger.accept(committed, events, payloads, source: edge.source, edge: edge.number, step: step)
        tell("edge \(edge.number) accepted \(committed.place.id(0)) × \(committed.count)")
      } catch {
        count("appends refused")
      }
    }
  }

  private func plan(_ disk: SimulatedDisk) {
    let call = chance.pick(SimulatedDisk.Call.allCases)
    let fault: SimulatedDisk.Fault =
      [.read, .write].contains(call) && chance.once(in: 3) ? .half : chance.once(in: 3) ? .full : .io
    disk.fail(call, nth: chance.number(1...6), forever: chance.once(in: 6), fault)
    tell("planned \(call) \(fault) at \(disk.path)")
  }

  private func stepClock() {
    let hours = chance.pick([-87_600, -24, -1, 1, 24, 8_760])
    time = time.adding(.seconds(hours * 3600))
    // The lowest that a run can come to is still a time of our calendar.
    if time < Timestamp("1971-01-01T00:00:00Z")! || time > Timestamp("2025-01-01T00:00:00Z")! {
      time = Timestamp("2020-01-01T08:00:00Z")!
    }
    central.clock.withLockedValue { $0 = time }
    count("clock steps")
  }

  // MARK: Deaths and starts

  /// Starts what is down, as a service manager does; `hurry` does not leave it down for a while.
  private func recover(hurry: Bool = false) async throws {
    for edge in edges {
      if edge.disk.isStopped { await kill(edge) }
      if edge.queue?.status.refusing != nil, hurry || chance.once(in: 2) { await restart(edge) }
      guard edge.queue == nil, hurry || chance.once(in: 2) else { continue }
      await open(edge, mustOpen: hurry)
    }
    if central.disk.isStopped { killCentral() }
    guard central.store == nil, hurry || chance.once(in: 2) else { return }
    do { try await central.open() } catch {
      if hurry { complain("the store does not open: \(error)") }
      central.disk.heal()
    }
  }

  private func open(_ edge: SimulatedEdge, mustOpen: Bool) async {
    do {
      let queue = try await EventQueue.open(edge.settings, source: edge.source, logger: silent)
      while queue.opening.isSalvaging { try await queue.beat(at: time) }
      edge.queue = queue
      let opening = queue.opening
      if opening.setAside != nil { count("queue files set aside") }
      for lost in opening.lost {
        count("numbers declared lost at a start", lost.numbers.count)
        ledger.declared.append(.init(incarnation: lost.incarnation, numbers: lost.numbers))
      }
      tell("edge \(edge.number) opened: \(queue.status.incarnation) at \(queue.status.last)")
    } catch {
      // A fault may stand in the way of a start; without one, nothing may.
      if mustOpen { complain("the queue of edge \(edge.number) does not open: \(error)") }
      edge.disk.heal()
    }
  }

  private func kill(_ edge: SimulatedEdge) async {
    edge.disk.stop()
    await edge.queue?.close()
    edge.queue = nil
    if !edge.isPulled { edge.resetDelivery() }
    if chance.once(in: 2) {
      edge.disk.goOnAfterCut(seed: chance.bits())
    } else {
      edge.disk.goOnAfterKill()
    }
    tell("edge \(edge.number) died")
  }

  private func killCentral() {
    central.disk.stop()
    try? central.store?.close()
    central.store = nil
    for edge in edges where edge.isPulled { edge.resetDelivery() }
    if chance.once(in: 2) {
      central.disk.goOnAfterCut(seed: chance.bits())
    } else {
      central.disk.goOnAfterKill()
    }
    tell("the central died")
  }

  private func restart(_ edge: SimulatedEdge) async {
    await edge.queue?.close()
    edge.queue = nil
    if !edge.isPulled { edge.resetDelivery() }
    count("orderly restarts")
  }

  private func restartCentral() async {
    try? central.store?.close()
    central.store = nil
    for edge in edges where edge.isPulled { edge.resetDelivery() }
    count("orderly restarts")
  }

  // MARK: Images

  private func takeImage(_ edge: SimulatedEdge) throws {
    guard !edge.disk.isStopped else { return }
    edge.disk.heal()
    let path = folder.file("image-\(step)")
    try copyFiles(from: edge.disk.path, to: path)
    edge.images.append(.init(path: path, step: step))
  }

  private func takeImageOfCentral() throws {
    guard !central.disk.isStopped else { return }
    central.disk.heal()
    let path = folder.file("image-\(step)")
    try copyFiles(from: central.disk.path, to: path)
    central.images.append(.init(path: path, step: step))
  }

  private func restore(_ edge: SimulatedEdge) async throws {
    guard !edge.images.isEmpty, !edge.disk.isStopped else { return }
    let image = chance.pick(edge.images)
    edge.disk.heal()
    await restart(edge)
    try copyFiles(from: image.path, to: edge.disk.path)
    edge.disk.settle()
    edge.erased.append(image.step...step)
    count("line PCs restored")
  }

  private func restoreCentral() async throws {
    guard !central.images.isEmpty, !central.disk.isStopped else { return }
    let image = chance.pick(central.images)
    central.disk.heal()
    await restartCentral()
    try copyFiles(from: image.path, to: central.disk.path)
    central.disk.settle()
    central.erased.append(image.step...step)
    count("centrals restored")
  }

  private func clone(_ edge: SimulatedEdge) async throws {
    guard edges.count < 3, edge.queue != nil, !edge.disk.isStopped else { return }
    edge.disk.heal()
    try addEdge(edge.source, from: edge.disk.path)
    count("line PCs cloned")
  }

  // MARK: The end

  /// Brings to the central what is still at the line PCs.
  private func drain() async {
    for _ in 0..<3 {
      for edge in edges {
        // Long enough that each earlier incarnation has its turn, which comes when there is nothing else to do.
        var quiet = 0
        for _ in 0..<600 where quiet < 30 {
          await deliver(edge)
          quiet = edge.delivery.standing == .idle ? quiet + 1 : 0
        }
        if quiet < 30 { tell("edge \(edge.number) is not idle: \(edge.delivery.standing)") }
      }
    }
  }

  private func close() async {
    for edge in edges {
      await edge.queue?.close()
      edge.queue = nil
    }
    do {
      try central.store?.close()
    } catch { complain("the store does not close: \(error)") }
    central.store = nil
    for disk in edges.map(\.disk) + [central.disk] {
      let counts = disk.counts
      for (what, number) in counts.happened { self.counts[what, default: 0] += number }
      for (call, number) in counts.failed { self.counts["failed: \(call)", default: 0] += number }
    }
  }
}
