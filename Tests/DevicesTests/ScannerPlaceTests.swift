import Events
import Foundation
import Glibc
import Machine
import Settings
import TestParts
import Testing

@testable import Devices

/// Scanners by their USB identity, and scanners on a network address.
@Suite(.timeLimit(minutes: 5)) struct ScannerPlaceTests {
  // MARK: USB

  /// A folder in the form of /sys with USB devices that have ports.
  private func sysfs(
    _ folder: ScratchFolder, _ devices: [(port: String, vendor: String, serial: String, interface: String)]
  )
    throws -> USBPorts
  {
    for device in devices {
      let usb = "sys/devices/pci0/usb1/1-\(device.serial)"
      try folder.write("\(usb)/idVendor", device.vendor + "\n")
      try folder.write("\(usb)/idProduct", "0b61\n")
      try folder.write("\(usb)/serial", device.serial + "\n")
      try folder.write("\(usb)/\(device.interface)/bInterfaceNumber", device.interface + "\n")
      try folder.write("\(usb)/\(device.interface)/tty/\(device.port)/dev", "166:0\n")
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("\(usb)/\(device.interface)/tty/\(device.port)/device"), withDestinationPath: "../..")
      try folder.write("sys/class/tty/.keep", "")
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("sys/class/tty/\(device.port)"),
        withDestinationPath: folder.file("\(usb)/\(device.interface)/tty/\(device.port)"))
    }
    try folder.write("sys/class/tty/ttyS0/device/name", "a port of the board\n")
    try folder.write("dev/null", "")
    return USBPorts(sysfs: folder.file("sys"), nodes: folder.file("dev"))
  }

  private func reason(_ ports: USBPorts, _ identity: USBIdentity) -> String? {
    do {
      _ = try ports.path(of: identity)
      return nil
    } catch { return error.reason }
  }

  @Test func `a port is found by the identity of its device`() throws {
    let folder = try ScratchFolder()
    let ports = try sysfs(
      folder, [("ttyACM0", "0c2e", "A1", "00"), ("ttyACM1", "0c2e", "B2", "00"), ("ttyACM2", "05e0", "C3", "01")])
    #expect(
      try ports.path(of: USBIdentity(vendor: "0C2E", product: "0B61", serial: "B2")) == folder.file("dev/ttyACM1"))
    #expect(try ports.path(of: USBIdentity(vendor: "05e0", product: "0b61")) == folder.file("dev/ttyACM2"))
    #expect(try ports.path(of: USBIdentity(vendor: "05e0", product: "0b61", interface: 1)).hasSuffix("ttyACM2"))
    #expect(
      reason(ports, USBIdentity(vendor: "0c2e", product: "0b61"))
        == "2 ports have usb 0c2e:0b61 (ttyACM0 is usb 0c2e:0b61 A1 interface 0, ttyACM1 is usb 0c2e:0b61 B2 interface 0)"
        + ": say serial or interface in the settings")
    #expect(
      reason(ports, USBIdentity(vendor: "05e0", product: "0b61", interface: 0))
        == "no port has usb 05e0:0b61 interface 0: is it plugged in? (lsusb shows what is)")
  }

  @Test func `a scanner found by its identity comes back under another name`() async throws {
    let folder = try ScratchFolder()
    let ports = try sysfs(folder, [])
    let desk = Desk()
    let map = try scannerMap(ScannerBench.acknowledging)
    let place = ScannerPlace.usb(USBIdentity(vendor: "0c2e", product: "0b61", serial: "A1"))
    let device = scannerDevice(map, at: place, desk: desk, ports: ports)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await device.run() }
      try await eventually("it is away") { device.status.state == .offline }
      for name in ["ttyACM0", "ttyACM7"] {
        _ = try sysfs(folder, [(name, "0c2e", "A1", "00")])
        let gun = try SimulatedScanner(link: folder.file("dev/\(name)"))
        let back = ContinuousClock.now
        #expect(try await gun.scan(Array("OP-0001\r".utf8), answerWithin: .seconds(20)) == ScannerBench.accepted)
        #expect(ContinuousClock.now - back < .seconds(10))
        try FileManager.default.removeItem(atPath: folder.file("sys/class/tty/\(name)"))
        try FileManager.default.removeItem(atPath: folder.file("sys/devices"))
        await gun.unplug()
        try await eventually("it is away again") { device.status.state == .offline }
      }
      group.cancelAll()
    }
    #expect(await desk.scans.count == 2)
  }

  @Test func `a wait for a port ends when it appears, also where its folder is yet to come`() async throws {
    let folder = try ScratchFolder()
    let path = folder.file("serial/by-id/gun")
    let wake = WakeUp()
    let above = FolderWatch(folderOf: path)
    try folder.write("serial/other", "")
    let isThereAbove = above.wait(milliseconds: 5000, wake: wake)
    #expect(isThereAbove)
    try folder.write("serial/by-id/other", "")
    let own = FolderWatch(folderOf: path)
    let isThereEarly = own.wait(milliseconds: 1, wake: wake)
    #expect(!isThereEarly)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
    let isThere = own.wait(milliseconds: 5000, wake: wake)
    #expect(isThere)
  }

  // MARK: TCP

  @Test func `a scanner on the network is read, answered, and found again after it was away`() async throws {
    let scanner = try NetworkScanner()
    let desk = Desk()
    let map = try scannerMap(ScannerBench.acknowledging + "\nno-read: NOREAD")
    let device = scannerDevice(map, at: .tcp(host: "127.0.0.1", port: scanner.port), desk: desk)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await device.run() }
      try await scanner.accept()
      #expect(await scanner.scan("OP-1234\r") == ScannerBench.accepted)
      #expect(await desk.scans.map(\.roles) == [[.init("operator", "1234")]])
      await desk.answerWith(.unusable("the scanner could not read a code"))
      #expect(await scanner.scan("NOREAD\r") == ScannerBench.refused)
      #expect(await desk.scans.last?.roles == [.init("no-read", "NOREAD")])
      #expect(device.status.faults["no-read"] == 1)
      await desk.answerWith(.accepted)
      await scanner.send("OP-56")
      await scanner.hangUp()
      try await eventually("the connection's end is seen") {
        // It may be back already: who listens takes the next connection at once.
        await desk.states.contains { $0.state == .offline }
      }
      #expect(await desk.scans.last?.problem == "a frame without its end: the connection ended")
      try await scanner.accept()
      #expect(await scanner.scan("OP-7890\r") == ScannerBench.accepted)
      #expect(await desk.holes.map(\.kind) == [.deviceOffline])
      group.cancelAll()
    }
    #expect(device.status.address == "127.0.0.1:\(scanner.port)")
  }

  @Test func `a port that nobody listens on is offline with its reason, and tried with growing pauses`() async throws {
    let reserved = try ReservedPort()
    let desk = Desk()
    let device = scannerDevice(
      try scannerMap(ScannerBench.acknowledging), at: .tcp(host: "127.0.0.1", port: reserved.port), desk: desk)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await device.run() }
      try? await eventually("it is offline") { await !desk.states.isEmpty }
      group.cancelAll()
    }
    #expect(await desk.states.first?.reason == "no connection: Connection refused")
  }

  @Test(arguments: [
    ("address: \"10.0.0.9:2001\"", "10.0.0.9:2001"), ("address: \"[fd00::9]:2001\"", "[fd00::9]:2001"),
    ("usb: { vendor: \"0C2E\", product: \"0b61\", serial: ABC }", "usb 0c2e:0b61 ABC"),
    ("port: /dev/ttyACM0", "/dev/ttyACM0"),
    ("address: \"10.0.0.9\"", "found \"10.0.0.9\"; allowed: HOST:PORT of the scanner"),
    ("usb: { vendor: \"0c2e\" }", "found no \"product\"; allowed: product: four hex digits"),
    ("usb: { vendor: \"0xc2e\", product: \"0b61\" }", "found \"0xc2e\"; allowed: four hex digits"),
    ("usb: { vendor: \"0c2e\", product: \"0b61\", bus: 1 }", "found unknown key \"bus\""),
    ("{ port: /dev/ttyACM0, address: \"a:1\" }", "found port and address; allowed: one of them"),
    ("unit: 1", "found \"unit\" of a serial device"),
  ])
  func `a scanner's place is read from the settings, or what is wrong with it is said`(text: String, expected: String)
    throws
  {
    let yaml = text.hasPrefix("{") ? text : "{ \(text) }"
    let file = try SettingsFile(name: "edge.yaml", text: "gun: \(yaml)")
    var top = file.root.fields(of: "a device")
    let found = top.optional("gun")
    let node = try #require(found)
    var fields = node.fields(of: "a device")
    let link = DeviceSettings.scannerLink(&fields)
    fields.close()
    do {
      try file.check()
      guard case .scanner(let place) = try #require(link) else { throw Unexpected() }
      #expect(place.description == expected)
    } catch let error as SettingsError {
      #expect(error.description.contains(expected), "\(error)")
    }
  }
}

/// A scanner that listens on a port of this PC.
private actor NetworkScanner {
  nonisolated let port: Int
  private let listener: Int32
  private var connection: Int32 = -1

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let number = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, size) == 0 && listen(number, 4) == 0 && getsockname(number, $0, &size) == 0
      }
    }
    guard isBound else { throw SystemFailure(doing: "listening") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit {
    close(listener)
    if connection >= 0 { close(connection) }
  }

  func accept() async throws {
    try await eventually("somebody connects") {
      connection = Glibc.accept(listener, nil, nil)
      guard connection >= 0 else { return false }
      _ = fcntl(connection, F_SETFL, O_NONBLOCK)
      return true
    }
  }

  func send(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  func scan(_ text: String) async -> [UInt8] {
    send(text)
    var answer: [UInt8] = []
    try? await eventually("an answer comes") {
      var byte: UInt8 = 0
      if recv(connection, &byte, 1, 0) == 1 { answer.append(byte) }
      return !answer.isEmpty
    }
    return answer
  }

  func hangUp() {
    close(connection)
    connection = -1
  }
}
