import Devices
import Events
import Machine
import Queue
import Testing

@testable import lotline

@Suite struct WatchTests {
  private let start = Moment(time: Timestamp("2026-11-24T08:00:00Z")!, boottimeNanoseconds: 1_000_000_000_000)
  private let good = ClockState(synchronised: true, errorSeconds: 0.01)

  private func after(_ passed: Duration, jumped: Duration = .zero) -> Moment {
    Moment(
      time: start.time.adding(passed + jumped),
      boottimeNanoseconds: start.boottimeNanoseconds + UInt64(passed.wholeMicroseconds) * 1000)
  }

  @Test func `a clock that goes on as it should says nothing, however long nobody looked`() {
    var watch = ClockWatch(at: start, state: good)
    #expect(watch.look(at: after(.seconds(1)), state: good) == nil)
    #expect(watch.look(at: after(.seconds(9000)), state: good) == nil)
  }

  @Test(arguments: [Duration.seconds(3600), .seconds(-3600), .milliseconds(600), .milliseconds(-600)])
  func `a step of more than half a second is told with both times`(_ jump: Duration) {
    var watch = ClockWatch(at: start, state: good)
    let change = watch.look(at: after(.seconds(2), jumped: jump), state: good)
    #expect(change?.from == start.time.adding(.seconds(2)))
    #expect(change?.to == start.time.adding(.seconds(2) + jump))
    #expect(watch.look(at: after(.seconds(3), jumped: jump), state: good) == nil)
  }

  @Test func `a smaller step is none, and losing the time source is told`() {
    var watch = ClockWatch(at: start, state: good)
    #expect(watch.look(at: after(.seconds(1), jumped: .milliseconds(400)), state: good) == nil)
    let lost = ClockState(synchronised: false, errorSeconds: 16)
    #expect(watch.look(at: after(.seconds(2), jumped: .milliseconds(400)), state: lost)?.synchronised == false)
  }

  @Test func `a second that takes hours is a gap of that length, and one that takes a while is none`() {
    var watch = StandstillWatch(at: start)
    #expect(watch.look(at: after(.seconds(9))) == nil)
    // Somebody set the clock back meanwhile: the length is that of the boot clock.
    let gap = watch.look(at: after(.seconds(9 + 3600), jumped: .seconds(-1800)))
    #expect(gap?.to == start.time.adding(.seconds(9 + 1800)) && gap?.from == start.time.adding(.seconds(9 - 1800)))
    #expect(gap?.kind == .daemonDown)
    #expect(watch.look(at: after(.seconds(10 + 3600))) == nil)
  }

  @Test func `a start whose clock lies before the daemon's last sign of life is a gap without an end of its own`() {
    func gaps(_ now: String) -> [GapData] {
      var opening = Opening()
      opening.alive = start.time
      return Start(
        source: SourceName("pc1")!, moment: Moment(time: Timestamp(now)!, boottimeNanoseconds: 1), clock: good,
        opening: opening, files: [], kept: [:]
      ).gaps
    }
    let usual = gaps("2026-11-24T09:00:00Z")
    #expect(usual.first?.from == start.time && usual.first?.to?.since(start.time) == .seconds(3600))
    let behind = gaps("1970-01-01T00:00:20Z")
    #expect(behind.count == 1 && behind.first?.from == start.time && behind.first?.to == nil)
    #expect(behind.first?.reason?.contains("clock") == true)
  }

  @Test func `a loop that stands still is told once, until it goes round again or begins anew`() {
    var progress = Progress(patience: .seconds(20))
    func look(_ beats: UInt64, _ seconds: Int) -> [String] {
      progress.look(at: [("press-1", beats)], moment: after(.seconds(seconds)))
    }
    for second in 0...20 { #expect(look(0, second).isEmpty) }
    #expect(look(0, 21) == ["press-1"])
    #expect(look(0, 22).isEmpty)
    #expect(progress.standing == ["press-1"])
    #expect(look(1, 23).isEmpty)
    #expect(progress.standing.isEmpty)
    for second in 24...43 { #expect(look(1, second).isEmpty) }
    #expect(look(1, 44) == ["press-1"])
    progress.forget("press-1")
    #expect(progress.standing.isEmpty)
    #expect(look(1, 45).isEmpty, "another one with the same number of beats")
    #expect(look(1, 46).isEmpty)
  }

  @Test func `who was held up itself takes nobody else for hanging`() {
    var progress = Progress(patience: .seconds(20))
    for second in [0, 1, 2, 62, 63] {
      let hanging = progress.look(at: [("press-1", 7)], moment: after(.seconds(second)))
      #expect(hanging.isEmpty, "the disk stalled, or the PC slept, from second 2 to 62")
    }
  }

  @Test func `a new life of the queue is told with the one before it, and lost events when the salvage has ended`() {
    let (old, new) = (Incarnation.random(), Incarnation.random())
    var status = QueueStatus(incarnation: old, limitBytes: 1)
    var opening = Opening()
    var watch = LifeWatch(old)
    #expect(watch.look(at: status, opening, now: start.time, clock: good).started == nil)
    status.incarnation = new
    opening.isSalvaging = true
    opening.lost = [LostNumbers(incarnation: old, numbers: 3...7)]
    let news = watch.look(at: status, opening, now: start.time, clock: good)
    #expect(news.started != nil && news.lost.isEmpty)
    opening.isSalvaging = false
    #expect(watch.look(at: status, opening, now: start.time, clock: good).lost == opening.lost)
    let quiet = watch.look(at: status, opening, now: start.time, clock: good)
    #expect(quiet.started == nil && quiet.lost.isEmpty)
  }
}
