import ArgumentParser
import Devices
import Foundation
import Settings

/// What a simulated PLC does wrong, as the command line says it.
struct FaultOptions: ParsableArguments {
  @Option(help: ArgumentHelp("So many requests get no answer.", valueName: "5%"))
  var drop: String?

  @Option(help: ArgumentHelp("So many answers carry another unit id.", valueName: "1%"))
  var wrongUnit: String?

  @Option(
    help: ArgumentHelp(
      "Requests are refused with this exception (1 to 255): all, or so many, such as 2:10%.", valueName: "2[:10%]"))
  var exception: String?

  @Option(help: ArgumentHelp("Each answer comes later by so much.", valueName: "300ms"))
  var slow: String?

  @Flag(help: "Connections are taken, and nothing is ever answered.")
  var mute = false

  func validate() throws { _ = try shares() }

  /// The shares of each fault, from 0 to 1.
  func shares() throws -> FaultShares {
    var shares = FaultShares()
    if let drop { shares.drop = try Self.share(drop, of: "--drop") }
    if mute { shares.drop = 1 }
    if let wrongUnit { shares.wrongUnit = try Self.share(wrongUnit, of: "--wrong-unit") }
    if let exception {
      let parts = exception.split(separator: ":", maxSplits: 1).map(String.init)
      guard let code = parts.first.flatMap({ UInt8($0) }), code > 0 else {
        throw ValidationError("--exception \(exception): a number from 1 to 255 is asked for, such as 2 or 2:10%")
      }
      shares.code = code
      shares.refuse = parts.count == 2 ? try Self.share(parts[1], of: "--exception") : 1
    }
    if let slow {
      guard let delay = parseDuration(slow), delay <= .seconds(60) else {
        throw ValidationError("--slow \(slow): a time up to 60s is asked for, such as 300ms")
      }
      shares.delay = delay
    }
    return shares
  }

  private static func share(_ text: String, of option: String) throws -> Double {
    guard text.hasSuffix("%"), let number = Double(text.dropLast()), (0...100).contains(number) else {
      throw ValidationError("\(option) \(text): a share from 0% to 100% is asked for")
    }
    return number / 100
  }
}

/// How often each fault happens, from 0 to 1.
struct FaultShares: Sendable, Hashable {
  var drop = 0.0
  var wrongUnit = 0.0
  var refuse = 0.0
  /// The exception of refusals.
  var code: UInt8 = 2
  /// How much later every answer comes.
  var delay: Duration = .zero

  var isNone: Bool { self == FaultShares() }
}

/// Draws the faults of one device from a seed.
///
/// `@unchecked` because the numbers are drawn under `lock` alone: the server asks on a thread of its own.
final class FaultDraw: @unchecked Sendable {
  private let shares: FaultShares
  private let lock = NSLock()
  private var numbers: SeededNumbers

  init(_ shares: FaultShares, numbers: SeededNumbers) {
    self.shares = shares
    self.numbers = numbers
  }

  /// What goes wrong with the next request.
  func next() -> SimulatedFault {
    lock.withLock {
      // Each is drawn, whatever the one before it was, so that one share changes nothing of another.
      let drawn = [shares.drop, shares.refuse, shares.wrongUnit].map { Double.random(in: 0..<1, using: &numbers) < $0 }
      let kind: SimulatedFault.Kind =
        drawn[0] ? .silence : drawn[1] ? .refusal(shares.code) : drawn[2] ? .wrongUnit : .none
      return SimulatedFault(kind, delay: shares.delay)
    }
  }
}
