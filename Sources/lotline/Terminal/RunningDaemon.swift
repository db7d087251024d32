import Devices
import Forward
import Foundation
import Settings
import Web

extension EdgeSettings {
  /// The daemon that runs with these settings, by its control socket or its page; nil where neither answers.
  func runningDaemon() async throws -> Asking? {
    for asking in doors {
      do {
        _ = try await asking.get("/v1/devices")
        return asking
      } catch let failure as Asking.Failure where failure.status == nil {
        continue
      }
    }
    return nil
  }

  private var doors: [Asking] {
    var doors: [Asking] = []
    let socket = controlSocket(environment: ProcessInfo.processInfo.environment)
    if FileManager.default.fileExists(atPath: socket) {
      doors.append(Asking(door: .socket(path: socket), token: nil, authorityFile: nil))
    }
    let token = web.tokenFile.flatMap { try? BearerToken(file: $0) }
    // Whoever may not read the token's file may not ask the page either.
    if web.tokenFile == nil || token != nil, web.listen.port > 0 {
      doors.append(Asking(door: .url(web.listener.url(port: web.listen.port)), token: token, authorityFile: nil))
    }
    return doors
  }

  /// A device by its name; an error says which there are, and which was meant.
  func device(named name: String, in file: String) throws -> DeviceSettings {
    if let found = devices.first(where: { $0.name == name }) { return found }
    let names = devices.map(\.name)
    let nearest = nearestName(to: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
    throw Asking.Failure(
      description: "\(file) has no device \"\(name)\"; it has: \(names.joined(separator: ", "))\(nearest)")
  }
}
