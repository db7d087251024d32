import Foundation
import Glibc
import Machine
import TestParts
import Testing

/// Programs with a time limit, all of them real.
struct BoundedCommandTests {
  private func shell(_ script: String, within limit: Duration = .seconds(30)) -> BoundedCommand {
    BoundedCommand(["/bin/sh", "-c", script, "sh", "word"], environment: ["COLOUR": "red"], timeLimit: limit)
  }

  @Test func `it gets its arguments and its environment alone, and both outputs are taken`() {
    let done = shell("echo $1 $COLOUR; env | wc -l; echo wrong >&2; exit 3").run()
    let lines = String(decoding: done.output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(done.ending == .exited(3))
    #expect(lines.first == "word red" && lines.last == "wrong", "\(lines)")
  }

  @Test func `it has no descriptor of ours, and nothing to read`() {
    let done = shell("ls /proc/self/fd | wc -l; cat").run()
    // Those of `ls` itself: three and the folder.
    #expect(String(decoding: done.output, as: UTF8.self).filter { !$0.isWhitespace } == "4")
  }

  @Test func `what hangs is killed when its time is over, with all that it has started`() async throws {
    let done = shell("sleep 1000 & echo $!; sleep 1000", within: .milliseconds(300)).run()
    #expect(done.ending == .overtime)
    let child = try #require(Int32(String(decoding: done.output, as: UTF8.self).filter(\.isNumber)))
    try await eventually("what it started is gone") { !isRunning(child) }
  }

  @Test func `what it leaves behind ends with it`() async throws {
    let done = shell("sleep 1000 & echo $!").run()
    #expect(done.ending == .exited(0))
    let child = try #require(Int32(String(decoding: done.output, as: UTF8.self).filter(\.isNumber)))
    try await eventually("what it left is gone") { !isRunning(child) }
  }

  @Test func `a flood of output is read to its end and kept up to a bound`() {
    let done = shell("head -c 1000000 /dev/zero").run()
    #expect(done.ending == .exited(0) && done.output.count == 4096)
  }

  @Test func `a program that is not there is told with the reason, one that is killed with the signal`() {
    let missing = BoundedCommand(["/no/such/lamp"], environment: [:], timeLimit: .seconds(1)).run()
    #expect(missing.ending == .notStarted(SystemFailure(doing: "starting /no/such/lamp", code: ENOENT)))
    #expect(shell("kill -TERM $$").run().ending == .signalled(SIGTERM))
  }

  /// A killed process whose parent is gone may wait as a zombie where nobody collects it.
  private func isRunning(_ process: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return stat.split(separator: ")").last?.split(separator: " ").first != "Z"
  }
}
