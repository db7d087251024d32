import Events
import Testing

@testable import lotline

@Suite struct BackupPlanTests {
  private let plan = BackupPlan(settings: .init(folder: "/b", every: .seconds(86400), keep: 2))
  private let now = Timestamp("2026-11-30T09:15:07.5Z")!

  @Test func `a backup is due when the last one is old, or was taken in a time to come`() {
    #expect(plan.pause(after: nil, failures: 0, now: now) == .zero)
    #expect(plan.pause(after: now.adding(.seconds(-400)), failures: 0, now: now) == .seconds(86000))
    #expect(plan.pause(after: now.adding(.seconds(-86401)), failures: 0, now: now) == .zero)
    #expect(plan.pause(after: now.adding(.seconds(3600)), failures: 0, now: now) == .zero)
  }

  @Test func `what fails is tried again after a minute, then less often, at least once an hour`() {
    let pauses = (1...9).map { plan.pause(after: now, failures: $0, now: now) }
    #expect(pauses.prefix(3) == [.seconds(60), .seconds(120), .seconds(240)])
    #expect(pauses.suffix(2) == [.seconds(3600), .seconds(3600)])
  }

  @Test func `the oldest copies by plan go, and no other file`() {
    let new = plan.file(at: now)
    #expect(new == "/b/central-20261130T091507Z.db")
    let names = [
      "central-20261130T091507Z.db", "central-20261128T091507Z.db", "central-20261129T091507Z.db", "central-x.db",
      "central-20261127T091507Z.db.part", "central-20261127T09150Z.db", "notes.txt",
    ]
    #expect(plan.superfluous(among: names) == ["central-20261128T091507Z.db"])
  }
}
