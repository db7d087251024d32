import Foundation
import Glibc
import TestParts

/// A network of its own for the programs of a test, whose only link can be taken away under them.
final class OwnNetwork {
  /// Whether this process may; where not, what needs it is skipped with that reason.
  static let isAllowed: Bool = {
    guard getuid() == 0 else { return false }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["-n", "/bin/sh", "-c", "ip link set lo up && \(link(.loss))"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  static let reason = "needs root and iproute2, for a network of its own"

  enum Link: CaseIterable {
    case up
    /// Nobody is told: what is sent goes nowhere.
    case blackhole
    /// One packet in five is lost.
    case loss
    case down
  }

  private let folder: ScratchFolder
  /// Keeps the network while no other program is in it.
  private let holder: Program

  init(in folder: ScratchFolder) async throws {
    self.folder = folder
    holder = try Program(
      "/usr/bin/unshare", ["-n", "/bin/sh", "-c", "ip link set lo up && echo up && exec cat"], in: folder,
      name: "network")
    let holder = holder
    try await eventually("the network is there: \(holder.said)") { holder.lines.first == "up" }
  }

  func start(_ arguments: [String], name: String) throws -> Program {
    try Program("/usr/bin/nsenter", inside + [Program.lotline] + arguments, in: folder, name: name)
  }

  func set(_ link: Link) async throws {
    let run = try await Program.run("/usr/bin/nsenter", inside + ["/bin/sh", "-c", Self.link(link)], in: folder)
    guard run.status == 0 else { throw Impatience(description: "the link is not \(link): \(run.messages)") }
  }

  private var inside: [String] { ["-t", "\(holder.processIdentifier)", "-n"] }

  /// The shell's commands; a filter of classic BPF, where 2 is to drop (tc-bpf(8)).
  private static func link(_ link: Link) -> String {
    func filter(_ program: String) -> String {
      "tc qdisc add dev lo clsact && tc filter add dev lo ingress bpf da bytecode '\(program)'"
    }
    return switch link {
    case .up: "ip link set lo up && { tc qdisc del dev lo clsact 2>/dev/null || true; }"
    case .blackhole: filter("1,6 0 0 2")
    case .loss: filter("4,32 0 0 4294963256,37 1 0 858993459,6 0 0 2,6 0 0 4294967295")
    case .down: "ip link set lo down"
    }
  }
}
