import TestParts
import Testing

/// Certificates of a central on localhost and of its authority, and another authority that has nothing to do with it.
enum Certificates {
  static func make(in folder: ScratchFolder) async throws {
    func openssl(_ arguments: String...) async throws {
      let run = try await Program.run("/usr/bin/openssl", arguments, in: folder)
      try #require(run.status == 0, "\(run.messages)")
    }
    for name in ["authority", "other"] {
      try await openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout",
        folder.file("\(name).key"), "-out", folder.file("\(name).pem"))
    }
    try await openssl(
      "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", folder.file("central.key"), "-out",
      folder.file("central.csr"))
    let names = try folder.write("names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    try await openssl(
      "x509", "-req", "-in", folder.file("central.csr"), "-CA", folder.file("authority.pem"), "-CAkey",
      folder.file("authority.key"), "-CAcreateserial", "-days", "2", "-extfile", names, "-out",
      folder.file("central.pem"))
  }
}
