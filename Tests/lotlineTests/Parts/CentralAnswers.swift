import AsyncHTTPClient
import Events
import Foundation
import NIOCore
import NIOHTTP1
import TestParts

/// What a test asks a running central.
struct CentralAnswers {
  let url: String

  func get(_ path: String, accept: String = "application/json") async throws -> (status: Int, body: [UInt8]) {
    var request = HTTPClientRequest(url: url + path)
    request.headers.add(name: "Accept", value: accept)
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let body = try await response.body.collect(upTo: 64 << 20)
    return (Int(response.status.code), Array(body.readableBytesView))
  }

  func json(_ path: String) async throws -> JSON {
    let answer = try await get(path)
    guard answer.status == 200, let json = JSON(answer.body) else {
      throw Impatience(
        description: "\(path) answered \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
    }
    return json
  }

  /// All items of a list, page by page.
  func all(_ path: String) async throws -> [JSON] {
    var items: [JSON] = []
    var cursor: String?
    repeat {
      let mark = path.contains("?") ? "&" : "?"
      let page = try await json(path + (cursor.map { "\(mark)cursor=\($0)" } ?? ""))
      items += page["items"]?.items ?? []
      cursor = page["next"]?.text
    } while cursor != nil
    return items
  }

  /// Waits until the central answers at all.
  func ready() async throws {
    try await eventually("the central answers at \(url)") { (try? await get("/healthz"))?.status == 200 }
  }
}
