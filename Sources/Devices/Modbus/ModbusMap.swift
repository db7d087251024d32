import Settings

/// What is where in a Modbus device: groups of tags with their addresses, types and rates.
public struct ModbusMap: Sendable {
  /// Reads the fields after `kind`; problems go to the file. Nil if the map cannot be used.
  init?(_ fields: inout Fields) {
    return nil
  }
}
