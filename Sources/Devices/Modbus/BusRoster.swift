internal import Logging
private import NIOConcurrencyHelpers

/// The buses of a line PC: devices at the same address, or on the same serial line, share one, or as many as the settings
/// allow at that address.
final class BusRoster: Sendable {
  private struct Entry {
    weak var bus: ModbusBus?
  }

  private let entries = NIOLockedValueBox<[ModbusPlace: [Entry]]>([:])

  /// The bus of a place with the fewest devices; one of its own for a device that asks for that.
  ///
  /// A bus lives as long as a device holds it.
  func bus(
    at place: ModbusPlace, named name: String, connection: DeviceSettings.Connection, logger: Logger
  ) -> ModbusBus {
    guard case .shared(let most) = connection else { return ModbusBus(place, name: name, logger: logger) }
    return entries.withLockedValue { entries in
      let open = entries[place, default: []].compactMap(\.bus).filter { !$0.isGivenUp }
      if open.count >= most, let bus = open.prefix(most).min(by: { $0.memberCount < $1.memberCount }) { return bus }
      let bus = ModbusBus(place, name: name, logger: logger)
      entries[place] = (open + [bus]).map { Entry(bus: $0) }
      return bus
    }
  }
}
