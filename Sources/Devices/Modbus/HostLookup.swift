private import Foundation
private import Glibc
internal import Machine

/// Finds the addresses of a device's host, and lets nobody wait for them longer than it wants to.
///
/// `getaddrinfo` has no time limit: a name server that is away holds it for half a minute, in which a device's thread
/// would neither stop nor show that it is alive. So it runs on a thread that ends with the call; who asks waits for a
/// while, and the next one who asks takes what came meanwhile. There is never more than one such thread a device.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class HostLookup: @unchecked Sendable {
  /// Addresses in the order in which they are to be tried, or why there are none.
  typealias Outcome = Result<[String], NoAddress>

  /// Why a name has no address.
  struct NoAddress: Error, Hashable {
    let reason: String
  }

  let host: String
  private let resolve: @Sendable (String) -> Outcome
  private let lock = NSLock()
  private let came = DispatchSemaphore(value: 0)
  private var outcome: Outcome?
  private var isAsking = false

  /// - Parameter resolve: asks the system, for as long as that takes.
  init(_ host: String, resolve: @escaping @Sendable (String) -> Outcome = systemAddresses) {
    self.host = host
    self.resolve = resolve
  }

  /// The host's addresses; one that is an address already is given at once.
  ///
  /// - Throws: `.connect` where there is none within `limit`, `.stopped` where the task is cancelled meanwhile.
  func addresses(within limit: Duration) throws(LineFault) -> [String] {
    if isAddress(host) { return [host] }
    let deadline = ContinuousClock.now + limit
    begin()
    while true {
      if let outcome = take() {
        switch outcome {
        case .success(let addresses): return addresses
        case .failure(let failure): throw .connect(failure.reason)
        }
      }
      if Task.isCancelled { throw .stopped }
      let left = (deadline - ContinuousClock.now).inMilliseconds
      guard left > 0 else {
        throw .connect("the name \(host) has no address after \(limit.short): does this PC's name server answer?")
      }
      // Short steps, so that a daemon on its way down is not held up. The monotonic clock: one that is set moves nothing.
      _ = came.wait(timeout: .now() + .milliseconds(Int(min(left.rounded(.up), 100))))
    }
  }

  private func take() -> Outcome? {
    lock.withLock {
      defer { outcome = nil }
      return outcome
    }
  }

  /// Asks, unless that goes on already or has an outcome that nobody took yet.
  private func begin() {
    let isFirst = lock.withLock {
      guard !isAsking, outcome == nil else { return false }
      isAsking = true
      return true
    }
    guard isFirst else { return }
    let thread = Thread { [self] in
      let found = resolve(host)
      lock.withLock {
        outcome = found
        isAsking = false
      }
      came.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
  }
}

private func isAddress(_ host: String) -> Bool {
  var four = in_addr()
  var six = in6_addr()
  return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
}

/// What the system says to a name: files, name servers, whatever is configured.
private func systemAddresses(of host: String) -> HostLookup.Outcome {
  var hints = addrinfo()
  hints.ai_family = AF_UNSPEC
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  var list: UnsafeMutablePointer<addrinfo>?
  let code = getaddrinfo(host, nil, &hints, &list)
  defer { if let list { freeaddrinfo(list) } }
  guard code == 0 else {
    let reason =
      switch code {
      case EAI_NONAME, -5: "check how it is spelt, and this PC's name server"  // -5 is EAI_NODATA
      case EAI_AGAIN: "this PC's name server does not answer"
      default: String(cString: gai_strerror(code))
      }
    return .failure(.init(reason: "the name \(host) has no address: \(reason)"))
  }
  var found: [String] = []
  var next = list
  while let entry = next?.pointee {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    if getnameinfo(entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
      let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      if !found.contains(address) { found.append(address) }
    }
    next = entry.ai_next
  }
  return found.isEmpty ? .failure(.init(reason: "the name \(host) has no address")) : .success(found)
}
