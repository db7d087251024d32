public import Devices
import Events
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import ServiceLifecycle

// What the devices show now, for whoever compares them with their maps.
extension EdgeSite {
  /// `GET /v1/devices`: those of the settings, in their order.
  func deviceList() -> Response {
    Response { writer in
      writer.key("items")
      writer.array { list in
        for device in devices() {
          list.object { device.writeStanding(to: &$0) }
        }
      }
    }
  }

  /// `GET /v1/devices/NAME/tags?group=G`: reads them now, over the connection of the polls.
  func tags(of name: String, _ request: Request) async throws -> Response {
    let device = try device(name)
    guard device.kind == "modbus" else {
      throw WebProblem(.conflict, "\(name) is a scanner: it has no tags. /v1/events shows what it scans.")
    }
    do {
      return Response(json: DeviceReport(device: name, tags: try await readout(name, request.query("group"))).json)
    } catch let error as ReadoutFailure {
      let sentence = "\(error)"
      let status: HTTPResponse.Status =
        switch error.kind {
        case .unknown: .notFound
        case .scanner: .conflict
        case .away: .badGateway
        }
      throw WebProblem(status, "\(sentence.prefix(1).uppercased())\(sentence.dropFirst()).")
    }
  }

  private func device(_ name: String) throws -> DeviceStatus {
    let all = devices()
    if let found = all.first(where: { $0.name == name }) { return found }
    throw WebProblem(
      .notFound, "There is no device \(name.prefix(64)); there are: \(all.map(\.name).joined(separator: ", ")).")
  }

  /// `GET /v1/devices/NAME/wire`: what passes between this PC and the device from now on, as the lines of a recording,
  /// until whoever asks hangs up or the daemon stops.
  func wire(of name: String, _ recording: Wire) throws -> Response {
    _ = try device(name)
    let (head, entries) = try recording(name)
    let body = ResponseBody { writer in
      try await writer.write(ByteBuffer(bytes: head.bytes))
      for await entry in entries.cancelOnGracefulShutdown() { try await writer.write(ByteBuffer(bytes: entry.bytes)) }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"], body: body)
  }
}

/// What a device's tags showed when they were read, in the one form that programs get it in.
public struct DeviceReport: Sendable {
  let device: String
  let tags: [TagReadout]

  public init(device: String, tags: [TagReadout]) {
    self.device = device
    self.tags = tags
  }

  /// `time` of a tag is when its answer arrived; `raw` has the words in hex as they came.
  public var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("device", device)
      writer.field("time", Moment.now().time)
      writer.key("tags")
      writer.array { list in for tag in tags { write(tag, to: &list) } }
    }
    return writer.bytes
  }

  private func write(_ tag: TagReadout, to list: inout JSONWriter) {
    list.object { item in
      item.field("group", tag.group)
      item.field("tag", tag.tag)
      item.field("address", tag.address)
      item.field("type", "\(tag.type)")
      item.field("time", tag.time)
      item.field("raw", words(tag))
      item.key("value")
      item.value(tag.value)
      item.field("unit", tag.unit)
      item.field("quality", tag.value.isGood ? "good" : "bad")
    }
  }

  private func words(_ tag: TagReadout) -> String {
    guard !tag.words.isEmpty else { return hex(tag.raw) }
    return tag.words.map { hex([UInt8($0 >> 8), UInt8($0 & 0xFF)]) }.joined(separator: " ")
  }
}
