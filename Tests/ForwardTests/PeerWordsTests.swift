import AsyncHTTPClient
import Events
import Glibc
import NIOCore
import TestParts
import Testing

@testable import Forward

/// What a technician reads who has to find out why the central is away.
struct PeerWordsTests {
  @Test(arguments: [
    (ECONNREFUSED, "nothing listens there"), (ECONNRESET, "broken off"), (EPIPE, "broken off"),
    (EHOSTUNREACH, "no way to that address"), (ENETUNREACH, "no way to that address"), (ETIMEDOUT, "no answer"),
    (EPERM, "Operation not permitted"),
  ])
  func `a fault of the network is told in plain words`(_ code: Int32, _ words: String) {
    let told = PeerWords.sentence(for: IOError(errnoCode: code, reason: "connection reset (error set)"))
    #expect(told.contains(words))
    for raw in ["error set", "errno", "IOError", "(error"] { #expect(!told.contains(raw), "\(told)") }
    #expect(!told.hasSuffix("."))
  }

  @Test func `so are the client's own faults`() {
    for error in [HTTPClientError.connectTimeout, .remoteConnectionClosed, .readTimeout, .deadlineExceeded] {
      let told = PeerWords.sentence(for: error)
      #expect(!told.contains("HTTPClientError") && !told.hasSuffix("."), "\(told)")
    }
  }

  @Test func `a clock of 1970 is told as the clock, not as a bad certificate`() throws {
    let failure = "handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 268435581 error:CERTIFICATE_VERIFY_FAILED]))"
    let told = PeerWords.sentence(forTLS: failure, now: try #require(Timestamp("1970-01-01T00:03:12.000000Z")))
    #expect(told.contains("clock shows 1970-01-01") && !told.contains("ca-file"))
    let right = PeerWords.sentence(forTLS: failure, now: try #require(Timestamp("2026-11-30T10:00:00.000000Z")))
    #expect(right.contains("ca-file") && right.contains("2026-11-30"))
    let other = PeerWords.sentence(forTLS: "WRONG_VERSION_NUMBER", now: try #require(Timestamp("1970-01-01T00:00:00Z")))
    #expect(!other.contains("clock"))
  }

  @Test func `an answer that is no central's is told without its markup`() {
    let page = Array("<!DOCTYPE HTML>\n<html><title>Error response</title>".utf8)
    #expect(PeerWords.beginning(of: page) == "a page of HTML, so it is another program: check the address and the port")
    #expect(PeerWords.beginning(of: Array("not\r\n  found".utf8)) == "not found")
    #expect(PeerWords.beginning(of: []) == "nothing more")
  }

  @Test func `a sentence that goes into another one leaves its full stop behind`() {
    #expect("set it in central.yaml.".withoutStop == "set it in central.yaml")
    #expect("no stop".withoutStop == "no stop" && "and so on...".withoutStop == "and so on...")
  }

  @Test(.timeLimit(minutes: 5))
  func `a real central that is not there, and one whose name nobody knows`() async throws {
    for (url, words) in [
      ("http://127.0.0.1:1", "nothing listens there (connection refused)"),
      ("http://no-such-host.invalid:8480", "has no address"),
    ] {
      try await Peer.with(ForwardSettings(url: url)) { peer in
        do throws(RouteFault) {
          _ = try await peer.send(PeerRequest(path: "/v1/sources/a"))
          Issue.record("it answered")
        } catch { #expect(error.description.contains(words), "\(error)") }
      }
    }
  }
}
