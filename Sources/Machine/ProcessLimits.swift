private import Glibc

/// Limits that this process sets for itself.
public enum ProcessLimits {
  /// Lets the process have no descriptor numbered `count` or above.
  ///
  /// libmodbus waits with `select`, and glibc ends a process that hands `select` a descriptor of 1,024 or
  /// more. With the limit a further socket is an error that a device can report instead.
  public static func capDescriptors(at count: UInt64) throws {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw SystemFailure(doing: "reading the limit of open files")
    }
    guard limit.rlim_cur > count else { return }
    limit.rlim_cur = rlim_t(count)
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw SystemFailure(doing: "limiting open files to \(count)")
    }
  }
}
