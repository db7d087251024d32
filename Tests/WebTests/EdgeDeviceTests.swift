import Events
import TestParts
import Testing

@testable import Devices
@testable import Web

@Suite(.timeLimit(minutes: 5))
struct EdgeDeviceTests {
  private static let press = DeviceStatus(name: "press-1", station: "ST10", kind: "modbus", address: "plc:502 unit 1")
  private static let gun = DeviceStatus(name: "gun-1", station: "ST10", kind: "serial", address: "/dev/gun")

  @Test func `devices are listed, and what cannot be read of them is refused in words`() async throws {
    let bench = try await EdgeBench()
    let site = bench.site(devices: [Self.press, Self.gun])
    try await running(site) { url in
      let list = try #require(JSON(try await get(url + "/v1/devices").body))
      #expect(list["items"]?.items?.map { $0["name"]?.text } == ["press-1", "gun-1"])
      let unknown = try await get(url + "/v1/devices/press-9/tags")
      #expect(unknown.status == 404 && unknown.text.contains("there are: press-1, gun-1"))
      let scanner = try await get(url + "/v1/devices/gun-1/tags")
      #expect(scanner.status == 409 && scanner.text.contains("is a scanner"))
      let empty = try await get(url + "/v1/devices/press-1/tags?group=process")
      #expect(empty.status == 200 && JSON(empty.body)?["device"]?.text == "press-1")
    }
  }

  @Test(arguments: [(ReadoutFailure.Kind.unknown, 404), (.scanner, 409), (.away, 502)])
  func `why a device could not be read says whose fault it is`(kind: ReadoutFailure.Kind, status: Int) async throws {
    let bench = try await EdgeBench()
    let site = bench.site(devices: [Self.press]) { device, group in
      throw ReadoutFailure(kind, device: device, address: "plc:502", reason: "no group \(group ?? "")")
    }
    try await running(site) { url in
      let answer = try await get(url + "/v1/devices/press-1/tags?group=proces")
      #expect(answer.status == status && answer.text.contains("Reading press-1 at plc:502: no group proces."))
    }
  }
}
