import Forward
import Glibc
import NIOCore
import Testing

@testable import lotline

/// Why a daemon cannot listen, and what a technician is to do.
struct ListeningFaultTests {
  @Test(arguments: [
    (EADDRINUSE, "Address already in use: another program listens there (ss -lntp shows which)"),
    (EADDRNOTAVAIL, "Cannot assign requested address: this PC does not have that address now (ip address shows"),
    (EACCES, "Permission denied: this user may not: set web.listen to a port from 1024 on"),
    (ENOENT, "No such file or directory: set web.listen to a place of this PC that this user may use"),
  ])
  func `each fault is told with its remedy and the setting`(_ code: Int32, _ words: String) {
    let fault = ListeningFault(
      place: "http://10.0.0.7:8470/", setting: "web.listen", IOError(errnoCode: code, reason: "bind(descriptor:ptr:)"))
    #expect(fault.description.hasPrefix("listening on http://10.0.0.7:8470/: \(words)"), "\(fault)")
    #expect(fault.reason.contains("web.listen") && !fault.reason.contains("descriptor"))
  }

  @Test func `a token file that is gone is named`() {
    let fault = ListeningFault(place: "x", setting: "web.listen", TokenFault.unreadable("/etc/lotline/web.token"))
    #expect(fault.reason.hasPrefix("the token file /etc/lotline/web.token cannot be read"))
  }
}
