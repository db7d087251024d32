private import Foundation
private import Glibc

/// What tells a USB scanner from all others, wherever it is plugged in.
public struct USBIdentity: Sendable, Hashable, CustomStringConvertible {
  /// `idVendor` and `idProduct`, four hex digits in lower case.
  public let vendor: String
  public let product: String
  /// The device's own number; nil where any will do.
  public let serial: String?
  /// Which of the device's ports, by `bInterfaceNumber`; nil where it has one.
  public let interface: Int?

  public init(vendor: String, product: String, serial: String? = nil, interface: Int? = nil) {
    self.vendor = vendor.lowercased()
    self.product = product.lowercased()
    self.serial = serial
    self.interface = interface
  }

  public var description: String {
    "usb \(vendor):\(product)" + (serial.map { " \($0)" } ?? "") + (interface.map { " interface \($0)" } ?? "")
  }
}

/// The serial ports of the devices that are plugged in, as the system lists them.
struct USBPorts: Sendable {
  var sysfs = "/sys"
  /// Where the ports' nodes are.
  var nodes = "/dev"

  /// A serial port with the identity of the device that it belongs to.
  private struct Port {
    let name: String
    let identity: USBIdentity
  }

  /// The path of the only port that fits; a reason where there is none, or more than one.
  func path(of wanted: USBIdentity) throws(PortFailure) -> String {
    let found = ports.filter { port in
      port.identity.vendor == wanted.vendor && port.identity.product == wanted.product
        && (wanted.serial == nil || port.identity.serial == wanted.serial)
        && (wanted.interface == nil || port.identity.interface == wanted.interface)
    }
    guard let port = found.first else {
      throw PortFailure(reason: "no port has \(wanted): is it plugged in? (lsusb shows what is)", isAbsent: true)
    }
    guard found.count == 1 else {
      let list = found.map { "\($0.name) is \($0.identity)" }.joined(separator: ", ")
      throw PortFailure(
        reason: "\(found.count) ports have \(wanted) (\(list)): say serial or interface in the settings")
    }
    return "\(nodes)/\(port.name)"
  }

  private var ports: [Port] {
    let folder = "\(sysfs)/class/tty"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().compactMap { name in
      identity(above: "\(folder)/\(name)/device").map { Port(name: name, identity: $0) }
    }
  }

  /// Goes up from a port's device to the USB device that it belongs to; nil for a port of another kind.
  private func identity(above device: String) -> USBIdentity? {
    guard let root = resolved(sysfs), var folder = resolved(device) else { return nil }
    var interface: Int?
    while folder.hasPrefix(root + "/") {
      if interface == nil { interface = text("\(folder)/bInterfaceNumber").flatMap { Int($0, radix: 16) } }
      if let vendor = text("\(folder)/idVendor"), let product = text("\(folder)/idProduct") {
        return USBIdentity(vendor: vendor, product: product, serial: text("\(folder)/serial"), interface: interface)
      }
      folder = String(folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)])
    }
    return nil
  }

  private func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func resolved(_ path: String) -> String? {
    guard let name = realpath(path, nil) else { return nil }
    defer { free(name) }
    return String(cString: name)
  }
}
