import Dispatch
import Foundation
import Glibc

/// Ctrl-C and SIGTERM: the first asks for an end in order, the second ends the program at once.
struct Interrupts: Sendable {
  /// What must be done before an end at once.
  let last: @Sendable () async -> Void

  init(last: @escaping @Sendable () async -> Void) { self.last = last }

  /// Runs `body`, whose stream tells it of the first interrupt; once it runs, none is missed.
  func during<Result: Sendable>(_ body: @Sendable (AsyncStream<Void>) async throws -> Result) async throws -> Result {
    let (stop, stopping) = AsyncStream.makeStream(of: Void.self)
    let (signals, arriving) = AsyncStream.makeStream(of: Void.self)
    let (watched, watching) = AsyncStream.makeStream(of: Void.self)
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)  // the source below takes it instead
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { arriving.yield() }
      // Until then the signal is ignored, and whoever was told that Ctrl-C ends it would press it in vain.
      source.setRegistrationHandler { watching.yield() }
      source.resume()
      return source
    }
    defer { for source in sources { source.cancel() } }
    var ready = watched.makeAsyncIterator()
    for _ in sources { _ = await ready.next() }
    let watch = Task {
      var count = 0
      for await _ in signals {
        count += 1
        if count == 1 {
          stopping.yield()
        } else {
          await last()
          exit(1)
        }
      }
    }
    defer { watch.cancel() }
    return try await body(stop)
  }
}
