import TestParts
import Testing

/// A daemon that cannot listen where its settings say.
struct ListeningTests {
  @Test(.timeLimit(.minutes(1)))
  func `an address that is taken is named with the setting, by both daemons`() async throws {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")])
    let port = try freePort()
    let place = "127.0.0.1:\(port)"
    try line.scratch.write(
      "taken.yaml", "store: { sqlite: \(line.scratch.file("first.db")) }\nweb: { listen: \"\(place)\" }\n")
    try line.scratch.write(
      "second.yaml", "store: { sqlite: \(line.scratch.file("second.db")) }\nweb: { listen: \"\(place)\" }\n")
    try line.scratch.write(
      "pc.yaml",
      """
      source: pc1
      stations: { ST10: }
      queue: { path: \(line.scratch.file("pc.db")) }
      web: { listen: "\(place)" }

      """)
    let first = try Program(
      ["central", "run", "--config", line.scratch.file("taken.yaml")], in: line.scratch, name: "first")
    try await eventually("the first listens") { first.said.contains("page is at") }
    for (daemon, file) in [("central", "second.yaml"), ("edge", "pc.yaml")] {
      let ended = try await Program.run([daemon, "run", "--config", line.scratch.file(file)], in: line.scratch)
      #expect(ended.status == 1)
      #expect(
        ended.messages.contains(
          "lotline: listening on http://\(place)/: Address already in use: another program listens there "
            + "(ss -lntp shows which): stop it, or set web.listen to another place\n"), "\(ended.messages)")
    }
    first.signal(15)
    #expect(try await first.ended() == 0)
  }
}
