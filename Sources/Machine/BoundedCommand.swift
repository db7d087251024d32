private import CMachine
private import Glibc

/// A program of the system that is run to its end, or to that of its time.
///
/// It has a process group of its own, which ends with it, no descriptor of ours, and nothing to read.
public struct BoundedCommand: Sendable, Hashable {
  /// The path of the program, then what it is told.
  public var arguments: [String]
  public var environment: [String: String]
  public var timeLimit: Duration
  /// What it says beyond this is read and left out.
  public var mostOutput = 4096

  public init(_ arguments: [String], environment: [String: String], timeLimit: Duration) {
    (self.arguments, self.environment, self.timeLimit) = (arguments, environment, timeLimit)
  }

  /// How it ended.
  public enum Ending: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
    /// It was killed, since its time was over.
    case overtime
    case notStarted(SystemFailure)
  }

  /// Runs it and blocks the calling thread until it has ended.
  public func run() -> (ending: Ending, output: [UInt8]) {
    var ends: [Int32] = [0, 0]
    guard lotline_pipe(&ends) == 0 else {
      return (.notStarted(SystemFailure(doing: "making a pipe")), [])
    }
    let reading = Descriptor(owning: ends[0])
    let process: Int32
    do {
      let writing = Descriptor(owning: ends[1])
      process = spawn(output: writing.number)
      if process < 0 { return (.notStarted(SystemFailure(doing: "starting \(arguments.first ?? "nothing")")), []) }
    }
    let deadline = Deadline(after: timeLimit)
    var output: [UInt8] = []
    var status: Int32 = 0
    while true {
      take(reading.number, into: &output)
      if retrying({ waitpid(process, &status, WNOHANG) }) == process { break }
      guard deadline.isPast else { continue }
      kill(-process, SIGKILL)
      _ = retrying { waitpid(process, &status, 0) }
      take(reading.number, into: &output)
      return (.overtime, output)
    }
    // What it has left running would hold up the next one.
    kill(-process, SIGKILL)
    take(reading.number, into: &output)
    let signal = status & 0x7F
    return (signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal), output)
  }

  private func spawn(output: Int32) -> Int32 {
    let words = arguments.map { strdup($0) } + [nil]
    let settings = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + settings { free(text) } }
    return lotline_spawn(words, settings, output)
  }

  /// Takes what is there, waiting for it a moment.
  private func take(_ descriptor: Int32, into output: inout [UInt8]) {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, 20) > 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = retrying { read(descriptor, &buffer, buffer.count) }
    if count > 0 { output += buffer[..<min(count, max(0, mostOutput - output.count))] }
    // Nobody writes any more, and the end of the process is all that is waited for.
    if count == 0 { usleep(20_000) }
  }
}
