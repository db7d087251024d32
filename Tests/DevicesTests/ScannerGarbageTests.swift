import Events
import Foundation
import TestParts
import Testing

@testable import Devices

/// A line that gives nothing but garbage, as fast as it can.
@Suite(.timeLimit(minutes: 60)) struct ScannerGarbageTests {
  /// In MB; `LOTLINE_GARBAGE_MB=1000` for the long form.
  private static let amount = ProcessInfo.processInfo.environment["LOTLINE_GARBAGE_MB"].flatMap(Int.init) ?? 2

  @Test func `a flood of garbage costs bounded memory and few events, and the next scanner is read all the same`()
    async throws
  {
    try await ScannerBench.run { flooded in
      try await ScannerBench.run { other in
        try await pour(Self.amount / 4, MB: flooded.gun)
        let before = residentKilobytes()
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await pour(Self.amount - Self.amount / 4, MB: flooded.gun) }
          for number in 0..<20 {
            try await other.scan("OP-\(1000 + number)\r", gives: ScannerBench.accepted)
          }
          try await group.waitForAll()
        }
        // What other suites take at the same time is in it, too.
        if isMemoryOurs { #expect(residentKilobytes() - before < 60_000) }
        #expect(await other.desk.scans.count == 20)
      }
      try await flooded.gun.send(Array("\r\r".utf8), within: .seconds(60))
      let unusable = {
        (flooded.device.status.faults["unreadable"] ?? 0) + (flooded.device.status.faults["damaged"] ?? 0)
      }
      try await eventually("what came last is a scan") {
        try await flooded.gun.send(Array("OP-0001\r".utf8), within: .seconds(60))
        return await flooded.desk.scans.last?.text == "OP-0001"
      }
      // All were counted, few were kept, and a finding says what is wrong.
      #expect(unusable() > UInt64(Self.amount) * 1000)
      #expect(await flooded.desk.scans.filter { $0.problem != nil }.count < 40)
      let reports = await flooded.desk.reports
      let findings = reports.compactMap { if case .finding(let finding) = $0 { finding } else { nil } }
      #expect(findings.count <= 2, "begun once, and perhaps over by now")
      #expect(findings.first?.kind == .onlyGarbage && findings.first?.to == nil)
      try await eventually("the finding is over") {
        await flooded.desk.reports.contains { if case .finding(let finding) = $0 { finding.to != nil } else { false } }
      }
      let folded = await flooded.desk.holes.filter { $0.kind == .unreadableScan }.reduce(0) { $0 + ($1.count ?? 0) }
      let kept = await flooded.desk.scans.filter { $0.problem != nil }.count
      #expect(folded + UInt64(kept) == unusable())
    }
  }

  /// Sends bytes of all values, the same at each run.
  private func pour(_ megabytes: Int, MB gun: SimulatedScanner) async throws {
    var random = Seeded(seed: 1_000_000_000)
    var block = (0..<65536).map { _ in UInt8.random(in: 0...255, using: &random) }
    // What chance does once in a while: a frame that reads as text, though no rule knows it.
    block.replaceSubrange(30_000..<30_007, with: "\rnoise\r".utf8)
    for _ in 0..<megabytes * 16 {
      try await gun.send(block, within: .seconds(600))
      _ = await gun.received()
    }
  }

  private func residentKilobytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  }
}
