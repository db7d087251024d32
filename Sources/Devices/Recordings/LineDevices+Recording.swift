internal import Events

extension LineDevices {
  /// What passes between this PC and a device from now on, with what a recording of it begins with.
  ///
  /// Of a bus it is what passes of all its devices. It ends with the device, and is over when nobody reads it any more;
  /// whoever reads slowly holds nobody up, and is told how much was lost.
  ///
  /// - Throws: `ReadoutFailure` where there is no such device.
  public func recording(of device: String) throws(ReadoutFailure) -> (
    head: Recording.Head, entries: AsyncStream<WireEntry>
  ) {
    let life = try life(of: device)
    return (Recording.Head(life.settings, began: Moment.now().time), life.device.tap.listen())
  }
}

extension DeviceSettings {
  /// The same device, told nothing: no acknowledge is written to a PLC, and no answer to a scanner.
  ///
  /// For whoever looks on and keeps nothing: a cycle or a scan stays as it is for the daemon.
  public var unanswered: DeviceSettings {
    let heard: DeviceMap =
      switch map.map {
      case .modbus(let map): .modbus(map.unacknowledged)
      case .serial(let map): .serial(map.unanswered)
      }
    return DeviceSettings(
      name: name, station: station, groupStations: groupStations,
      map: LoadedMap(name: map.name, file: map.file, text: map.text, map: heard), link: link,
      connection: connection)
  }
}

extension ModbusMap {
  /// The same map with nothing to be written.
  fileprivate var unacknowledged: ModbusMap {
    ModbusMap(
      about: about, requests: requests,
      groups: groups.map { group in
        let trigger = group.trigger.map { trigger in
          ModbusTrigger(tag: trigger.tag, wraps: trigger.wraps, acknowledge: nil, guardTag: trigger.guardTag)
        }
        return ModbusGroup(
          name: group.name, every: group.every, reporting: group.reporting, trigger: trigger, tags: group.tags)
      })
  }
}
