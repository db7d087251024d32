import Settings

/// How a scanner on a serial line frames what it reads, and what its codes mean.
public struct ScannerMap: Sendable {
  /// Reads the fields after `kind`; problems go to the file. Nil if the map cannot be used.
  init?(_ fields: inout Fields) {
    return nil
  }
}
