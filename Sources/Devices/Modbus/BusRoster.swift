internal import Logging
private import NIOConcurrencyHelpers

/// The buses of a line PC: devices at the same address, or on the same serial line, get the same one.
final class BusRoster: Sendable {
  private struct Entry {
    weak var bus: ModbusBus?
  }

  private let tap: WireTap?
  private let entries = NIOLockedValueBox<[ModbusPlace: Entry]>([:])

  /// - Parameter tap: sees what passes over each bus; nil costs nothing.
  init(tap: WireTap? = nil) { self.tap = tap }

  /// The bus of a place; a connection of its own for a device that asks for one.
  ///
  /// A bus lives as long as a device holds it.
  func bus(at place: ModbusPlace, named name: String, isShared: Bool, logger: Logger) -> ModbusBus {
    guard isShared else { return ModbusBus(place, name: name, tap: tap, logger: logger) }
    return entries.withLockedValue { entries in
      if let bus = entries[place]?.bus { return bus }
      let bus = ModbusBus(place, name: name, tap: tap, logger: logger)
      entries[place] = Entry(bus: bus)
      return bus
    }
  }
}
