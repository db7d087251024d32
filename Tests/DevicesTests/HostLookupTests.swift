import Foundation
import NIOConcurrencyHelpers
import TestParts
import Testing

@testable import Devices

/// A PLC that is named by a host: what a name server does must hold up nobody.
@Suite(.timeLimit(minutes: 5)) struct HostLookupTests {
  /// A name server that answers when the test says so, and counts how often it was asked.
  private final class SlowServer: Sendable {
    let gate = DispatchSemaphore(value: 0)
    let asked = NIOLockedValueBox(0)

    func lookup(_ answer: HostLookup.Outcome = .success(["192.0.2.7"])) -> HostLookup {
      HostLookup("plc-7.plant") { _ in
        self.asked.withLockedValue { $0 += 1 }
        self.gate.wait()
        return answer
      }
    }
  }

  private func fault(_ lookup: HostLookup, within limit: Duration) -> LineFault? {
    do throws(LineFault) {
      _ = try lookup.addresses(within: limit)
      return nil
    } catch { return error }
  }

  @Test func `an address needs no name server`() throws {
    let lookup = HostLookup("192.0.2.1") { _ in .failure(.init(reason: "asked")) }
    #expect(try lookup.addresses(within: .zero) == ["192.0.2.1"])
    #expect(try HostLookup("::1").addresses(within: .zero) == ["::1"])
  }

  @Test func `a name server that is slow costs the limit, and its answer is taken when it comes`() async throws {
    let server = SlowServer()
    let lookup = server.lookup()
    let begun = ContinuousClock.now
    for _ in 0..<3 {
      #expect(
        fault(lookup, within: .milliseconds(50))
          == .connect("the name plc-7.plant has no address after 50ms: does this PC's name server answer?"))
    }
    #expect(ContinuousClock.now - begun < .seconds(30))
    #expect(server.asked.withLockedValue { $0 } == 1, "one question at a time")
    server.gate.signal()
    #expect(try lookup.addresses(within: .seconds(30)) == ["192.0.2.7"])
    // Addresses change: the next connection asks again.
    server.gate.signal()
    #expect(try lookup.addresses(within: .seconds(30)) == ["192.0.2.7"])
    #expect(server.asked.withLockedValue { $0 } == 2)
  }

  @Test func `who is told to stop does not wait`() async throws {
    let server = SlowServer()
    let lookup = server.lookup()
    let task = Task { fault(lookup, within: .seconds(50)) }
    try await eventually("it asks") { server.asked.withLockedValue { $0 } == 1 }
    let told = ContinuousClock.now
    task.cancel()
    #expect(await task.value == .stopped)
    #expect(ContinuousClock.now - told < .seconds(20))
    server.gate.signal()
  }

  @Test func `a name that nobody knows is told with what to check`() throws {
    let found = fault(HostLookup("no-such-plc.invalid"), within: .seconds(30))
    #expect(
      found?.description.hasPrefix("the name no-such-plc.invalid has no address") == true,
      "\(String(describing: found))")
    #expect(try HostLookup("localhost").addresses(within: .seconds(30)).contains { $0 == "127.0.0.1" || $0 == "::1" })
  }
}
