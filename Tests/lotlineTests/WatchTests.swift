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

  @Test func `a device whose loop stands still is told once, and stops the watchdog until it goes round again`() {
    var device = DeviceStatus(name: "press-1", station: "ST10", kind: "modbus", address: "x")
    var progress = Progress(patience: .seconds(20))
    #expect(progress.look(at: [device], moment: after(.zero)).isEmpty)
    #expect(progress.look(at: [device], moment: after(.seconds(19))).isEmpty)
    #expect(progress.look(at: [device], moment: after(.seconds(21))) == ["press-1"])
    #expect(progress.look(at: [device], moment: after(.seconds(22))).isEmpty)
    #expect(progress.standing == ["press-1"])
    device.beats += 1
    #expect(progress.look(at: [device], moment: after(.seconds(23))).isEmpty)
    #expect(progress.standing.isEmpty)
  }

  @Test func `a new life of the queue is told with the one before it, and lost events when the salvage has ended`() {
    let (old, new) = (Incarnation.random(), Incarnation.random())
    var status = QueueStatus(incarnation: old, limitBytes: 1)
    var opening = Opening()
    var watch = LifeWatch(old)
    #expect(watch.look(at: status, opening, now: start.time).started == nil)
    status.incarnation = new
    opening.isSalvaging = true
    opening.lost = [LostNumbers(incarnation: old, numbers: 3...7)]
    let news = watch.look(at: status, opening, now: start.time)
    #expect(news.started != nil && news.lost.isEmpty)
    opening.isSalvaging = false
    #expect(watch.look(at: status, opening, now: start.time).lost == opening.lost)
    let quiet = watch.look(at: status, opening, now: start.time)
    #expect(quiet.started == nil && quiet.lost.isEmpty)
  }
}
