#pragma once
/// A disk for tests: real files in a folder, of which is known what was flushed, so that a power cut can take the rest.
///
/// The system calls that change or read files (`open`, `read`, `write`, `fdatasync`, `ftruncate`, `rename`, `unlink` and
/// their like) are defined here once more. In a test program these definitions come before those of the C library, for
/// our own code and for SQLite's library alike, so that the product is tested as it is. Calls that have nothing to do with
/// a folder that is watched go on to the C library.
///
/// The model is stricter than a disk: a file's bytes are safe after `fsync` or `fdatasync` of the file, its name only after
/// one of its folder; names are kept or lost in their order (as file systems with a journal do it), writes in any order,
/// by sectors of 512 bytes. A flush that failed has lost what it should have flushed, although reading still shows it.
/// Files whose name ends with `-shm` are passed on: SQLite makes them anew after a cut.
#include <stdbool.h>
#include <stdint.h>

typedef struct fault_disk fault_disk;

/// The kinds of calls that are counted and can be made to fail.
enum fault_call {
  fault_call_open,
  fault_call_read,
  fault_call_write,
  fault_call_sync,
  /// Changes of a file's size, by truncating and by reserving.
  fault_call_size,
  fault_call_remove,
  /// `rename` and `link`.
  fault_call_name,
  fault_call_kinds,
};

/// What really happened; only ever grows.
typedef struct {
  uint64_t calls[fault_call_kinds];
  uint64_t failed[fault_call_kinds];
  /// Calls that change what is on the disk: what `fault_disk_stop_before` counts.
  uint64_t changes;
  uint64_t short_reads, short_writes;
  uint64_t cuts, kills;
  /// At cuts: un-flushed writes that were lost whole, in part, or although a later one of the same file was kept.
  uint64_t lost_writes, torn_writes, reordered_writes;
  uint64_t lost_sizes, lost_names, garbled_sectors;
} fault_counts;

/// Watches a folder (without subfolders); what is in it counts as flushed.
fault_disk *fault_disk_watch(const char *folder);
/// Watches it no more; descriptors that are still open work as any other.
void fault_disk_leave(fault_disk *disk);
/// What is in the folder now counts as flushed: after a copy was put there.
void fault_disk_settle(fault_disk *disk);

/// Makes the `nth` call (from 1, counted from now) of a kind fail with `error`, and with `forever` each one after it.
void fault_disk_fail(fault_disk *disk, enum fault_call kind, uint64_t nth, bool forever, int error);
/// Makes the `nth` read or write from now do half of what was asked.
void fault_disk_shorten(fault_disk *disk, enum fault_call kind, uint64_t nth, bool forever);
/// Stops everything before the `nth` change from now: no call has any effect until `fault_disk_go_on`.
void fault_disk_stop_before(fault_disk *disk, uint64_t nth);
/// Stops everything now.
void fault_disk_stop(fault_disk *disk);
bool fault_disk_is_stopped(fault_disk *disk);
/// Takes back all faults that were planned.
void fault_disk_heal(fault_disk *disk);

/// Goes on after a stop. Descriptors from before stay without effect.
/// With `cut` the power was away: what was not flushed is lost, torn or reordered as `seed` decides.
/// Without, the process was killed: all that was written is there, and still not flushed.
void fault_disk_go_on(fault_disk *disk, bool cut, uint64_t seed);

/// Overwrites `sectors` random sectors of the file `name`; how many it did.
uint64_t fault_disk_garble(fault_disk *disk, const char *name, uint64_t sectors, uint64_t seed);

fault_counts fault_disk_counts(fault_disk *disk);
