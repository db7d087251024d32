private import Glibc

/// Tells when something appears in a folder: how a port that was away is noticed at once, and without asking for it.
///
/// Made before the port is tried, so that nothing is missed between the attempt and the wait.
struct FolderWatch: ~Copyable {
  /// -1 where the system gives no watch.
  private let descriptor: Int32
  private let hasWatch: Bool

  /// Watches the folder of `path`, or the nearest above it that exists.
  init(folderOf path: String) {
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    var folder = path
    var isWatched = false
    while descriptor >= 0, !isWatched, let end = folder.lastIndex(of: "/"), folder != "/" {
      folder = end == folder.startIndex ? "/" : String(folder[..<end])
      // A link's target may get its permissions after the link is made.
      let signs = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ATTRIB)
      isWatched = inotify_add_watch(descriptor, folder, signs) >= 0
    }
    hasWatch = isWatched
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Waits until something appears (true), `wake` is signalled, or the time is over.
  ///
  /// Where the system gives no watch the wait is short, and something may have appeared: the port has to be tried.
  borrowing func wait(milliseconds: Int32, wake: WakeUp) -> Bool {
    var waited = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    let ready = poll(&waited, 2, !hasWatch ? min(milliseconds, 500) : milliseconds)
    return !hasWatch || (ready > 0 && waited[0].revents != 0)
  }
}
