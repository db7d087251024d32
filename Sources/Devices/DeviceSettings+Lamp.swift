public import Settings

extension DeviceSettings {
  /// Takes a coil of this device for the lamp of the line; what is wrong goes to `node`, its address.
  ///
  /// The address is written as the device's map writes its own. A coil that a cycle's handshake needs is refused.
  public mutating func takeLamp(_ node: SettingsNode) {
    guard case .modbus(let map) = map.map else { return }
    let allowed = "a coil, as the map of \(name) writes addresses: \(map.notation == .modicon ? "00017" : "coil:16")"
    guard let text = node.text, !node.isEmpty else { return node.refuse(allowed: allowed) }
    let address: ModbusAddress
    do throws(AddressProblem) { address = try ModbusAddress.read(text, as: map.notation) } catch {
      return node.refuse(found: error.found, allowed: allowed, nearest: error.nearest)
    }
    guard address.table == .coil else {
      return node.refuse(found: "\"\(text)\", a \(address.table.word)", allowed: allowed)
    }
    guard WritePermit(lamp: address, beside: map) != nil else {
      return node.refuse(
        found: "\"\(text)\", which is the trigger or the acknowledge of a cycle",
        allowed: "a coil that nothing else is written to")
    }
    lamp = address
  }
}
