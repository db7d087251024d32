private import Foundation
private import Glibc

/// Which program has a device file open, as far as this user may see.
enum PortHolder {
  /// The program's name with its process, `minicom (process 4711)`; nil where nobody is seen.
  ///
  /// - Parameter own: our own descriptor of the file, which does not count.
  static func name(of path: String, besides own: Int32? = nil) -> String? {
    guard let target = resolved(path) else { return nil }
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for process in processes where process.allSatisfy(\.isNumber) {
      let isOurs = process == String(getpid())
      let folder = "/proc/\(process)/fd"
      for number in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
        if isOurs, let own, number == String(own) { continue }
        guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(number)")) == target else {
          continue
        }
        if isOurs { return "another device of the settings" }
        let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
        return "\(name.trimmingCharacters(in: .whitespacesAndNewlines)) (process \(process))"
      }
    }
    return nil
  }

  private static func resolved(_ path: String) -> String? {
    guard let name = realpath(path, nil) else { return nil }
    defer { free(name) }
    return String(cString: name)
  }
}
