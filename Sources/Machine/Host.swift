private import Glibc

/// What tells this PC and its present boot from others.
public enum Host {
  /// The host's name.
  public static var name: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The kernel's id of this boot: CLOCK_BOOTTIME compares only within one.
  public static var bootID: String {
    let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "unknown" }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = retrying { read(descriptor, &buffer, buffer.count) }
    return String(decoding: buffer[..<max(0, count)].prefix { $0 > 0x20 }, as: UTF8.self)
  }
}
