import Glibc

/// What is fuzzed: a name, which its corpus bears too, and what is done with each input.
struct FuzzTarget: Sendable {
  let name: String
  /// The longest input in bytes that is worth a try.
  let longest: Int
  /// Takes one input; a crash, a trap or a broken `claim` in it is a finding.
  let take: @Sendable ([UInt8]) -> Void

  /// All of them: a new one is a file beside this one and its name here.
  static let all: [FuzzTarget] = [
    modbusAnswer, modbusFrame, gs1Elements, iso15434, digitalLink, plainCode, inflate, batch, envelope, settings,
  ]

  /// The one that the first argument names.
  static let chosen = all.first { CommandLine.arguments.count > 1 && $0.name == CommandLine.arguments[1] }
}

/// Ends the run with a finding unless `condition` holds: libFuzzer keeps the input.
func claim(_ condition: Bool, _ what: @autoclosure () -> String) {
  guard !condition else { return }
  let line = Array("BROKEN: \(what())\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  abort()
}

/// libFuzzer's loop, which calls `take` with one input after the other; its answer is the exit status.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ take: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// `fuzz TARGET [libFuzzer's arguments]`, or `fuzz --list`.
@main
struct Fuzz {
  static func main() {
    guard let target = FuzzTarget.chosen else {
      print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
      exit(CommandLine.arguments.dropFirst() == ["--list"] ? 0 : 64)
    }
    let words = [CommandLine.arguments[0], "-max_len=\(target.longest)"] + CommandLine.arguments.dropFirst(2)
    var arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
    for (place, word) in words.enumerated() { arguments[place] = strdup(word) }
    arguments[words.count] = nil
    var count = CInt(words.count)
    exit(
      runDriver(&count, &arguments) { data, size in
        FuzzTarget.chosen?.take(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
      })
  }
}
