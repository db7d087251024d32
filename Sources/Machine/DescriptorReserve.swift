private import Glibc

/// The descriptors that devices leave to the queue, the page and the control socket.
///
/// A process gets the lowest free number with each open: one that is near the limit tells that few are left.
public enum DescriptorReserve {
  /// From this number on a descriptor is not for a device: a quarter of the process's limit, at most 32, stays free.
  public static var ceiling: Int32 {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    let count = Int32(clamping: limit.rlim_cur)
    return count - min(32, count / 4)
  }

  /// Why a device may not keep `descriptor`; nil where it may.
  public static func refusal(of descriptor: Int32) -> SystemFailure? {
    descriptor < ceiling ? nil : SystemFailure(doing: "opening a connection", code: EMFILE)
  }
}
