private import CMachine

/// The speed of a serial line, also one that termios(3) has no name for.
public enum LineSpeed {
  /// Sets the speed of both directions, in bits a second; what the driver made of it is told by `read`.
  public static func set(_ bitsPerSecond: Int, of line: Int32) throws(SystemFailure) {
    guard lotline_set_line_speed(line, UInt32(clamping: bitsPerSecond)) == 0 else {
      throw SystemFailure(doing: "setting the line to \(bitsPerSecond) baud")
    }
  }

  /// The speed that is in force, in bits a second; a driver that can only come near may say what it really does.
  public static func read(of line: Int32) throws(SystemFailure) -> Int {
    var speed: UInt32 = 0
    guard lotline_line_speed(line, &speed) == 0 else { throw SystemFailure(doing: "reading the line's speed") }
    return Int(speed)
  }
}
