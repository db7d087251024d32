internal import Glibc
internal import Machine

/// The disk under the queue: what is free, and the reserve that is held back so that a full one can be drained.
struct DiskSpace {
  let path: String
  let ballast: String
  let reserveBytes: Int

  /// Below this the queue takes no more, so that its own housekeeping still can write.
  var floor: Int { reserveBytes / 4 }

  /// What must be free for events to be taken; a reserve that was given away is for sending and letting go alone.
  var neededBytes: Int { isReleased ? reserveBytes + floor : floor }

  /// Bytes that this user may still write; nil if the system does not say.
  var free: Int? { freeBytes(beside: path) }

  /// Whether the reserve is in place.
  var isHeld: Bool { reserveBytes == 0 || size(of: ballast) == reserveBytes }

  /// Whether it was given away and is not back yet: then its file is there, and empty.
  var isReleased: Bool { reserveBytes > 0 && size(of: ballast) == 0 }

  /// Holds the reserve if there is room for it and then some; a disk that never had that room goes on without.
  func hold() {
    guard !isHeld, let free, free > reserveBytes + 2 * floor else { return }
    let wasReleased = isReleased
    let number = Glibc.open(ballast, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard number >= 0 else { return }
    let file = Descriptor(owning: number)
    if posix_fallocate(file.number, 0, off_t(reserveBytes)) == 0 { return }
    if !wasReleased || ftruncate(file.number, 0) != 0 { unlink(ballast) }
  }

  /// Gives the reserve to whoever must write now.
  func release() {
    guard size(of: ballast) ?? 0 > 0 else { return }
    if truncate(ballast, 0) != 0 { unlink(ballast) }
  }
}
