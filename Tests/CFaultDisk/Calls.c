// The system calls, with faults: defined in the program itself, so that they come before those of the C library.
#define _GNU_SOURCE
#include "Disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Beneath us is the C library, or what a sanitizer put before it.
#define BENEATH(result, name, ...)                                       \
  extern result __interceptor_##name(__VA_ARGS__) __attribute__((weak)); \
  static result (*beneath_##name(void))(__VA_ARGS__) {                   \
    static result (*_Atomic found)(__VA_ARGS__);                         \
    if (!found) {                                                        \
      found = __interceptor_##name;                                      \
      if (!found) found = dlsym(RTLD_NEXT, #name);                       \
    }                                                                    \
    return found;                                                        \
  }

BENEATH(int, open, const char *, int, ...)
BENEATH(int, close, int)
BENEATH(ssize_t, read, int, void *, size_t)
BENEATH(ssize_t, pread, int, void *, size_t, off_t)
BENEATH(ssize_t, write, int, const void *, size_t)
BENEATH(ssize_t, pwrite, int, const void *, size_t, off_t)
BENEATH(int, fsync, int)
BENEATH(int, fdatasync, int)
BENEATH(int, ftruncate, int, off_t)
BENEATH(int, truncate, const char *, off_t)
BENEATH(int, posix_fallocate, int, off_t, off_t)
BENEATH(int, unlink, const char *)
BENEATH(int, rename, const char *, const char *)
BENEATH(int, link, const char *, const char *)

enum { go_ahead = 0, halve = -1 };

/// Counts a call: `go_ahead`, `halve`, or the error that it fails with.
static int judge(fault_disk *disk, enum fault_call kind, bool changes) {
  if (disk->stopped) return EIO;
  if (changes) {
    if (disk->stop_in && --disk->stop_in == 0) {
      disk->stopped = true;
      return EIO;
    }
    disk->counts.changes++;
  }
  disk->counts.calls[kind]++;
  plan *plan = &disk->plans[kind];
  if (!plan->nth) return go_ahead;
  if (plan->nth > 1) {
    plan->nth--;
    return go_ahead;
  }
  if (!plan->forever) plan->nth = 0;
  if (plan->shortens) return halve;
  disk->counts.failed[kind]++;
  return plan->error;
}

/// The watched file behind a descriptor, with the disks locked; nil, and not locked, for any other.
static descriptor *watched(int number) {
  if (number < 0 || number >= most_descriptors || !descriptors[number].disk) return NULL;
  lock_disks();
  if (descriptors[number].disk) return &descriptors[number];
  unlock_disks();
  return NULL;
}

static int judge_file(descriptor *file, enum fault_call kind, bool changes) {
  return file->generation == file->disk->generation ? judge(file->disk, kind, changes) : EIO;
}

static ssize_t failing(int error) {
  unlock_disks();
  errno = error;
  return -1;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static size_t size_of(int number) {
  struct stat about;
  return fstat(number, &about) == 0 ? (size_t)about.st_size : 0;
}

static int open_watched(fault_disk *disk, const char *name, const char *path, int flags, mode_t mode) {
  if (ends_with(name, "-shm")) {
    if (disk->stopped) return (int)failing(EIO);
    unlock_disks();
    return beneath_open()(path, flags, mode);
  }
  file *file = *name ? named(disk, name) : NULL;
  bool creates = *name && !file && (flags & O_CREAT);
  int verdict = judge(disk, fault_call_open, creates || (file && (flags & O_TRUNC)));
  if (verdict > 0) return (int)failing(verdict);
  int number = beneath_open()(path, flags, mode);
  if (number >= 0 && number < most_descriptors) {
    if (*name && !file) {
      file = new_file();
      note_name(disk, name, file);
      release(file);
    }
    if (file && (flags & O_TRUNC)) note_size(file, 0);
    if (file) file->references++;
    descriptors[number].file = file;
    descriptors[number].generation = disk->generation;
    descriptors[number].disk = disk;
  }
  unlock_disks();
  return number;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  const char *name;
  fault_disk *disk = disk_of(path, &name);
  return disk ? open_watched(disk, name, path, flags, mode) : beneath_open()(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open(path, flags, mode);
}

int close(int number) {
  descriptor *file = watched(number);
  if (file) {
    struct file *closed = file->file;
    file->disk = NULL;
    file->file = NULL;
    if (closed) release(closed);
    unlock_disks();
  }
  return beneath_close()(number);
}

static ssize_t read_watched(descriptor *file, int number, void *bytes, size_t count, off_t at) {
  int verdict = judge_file(file, fault_call_read, false);
  if (verdict > 0) return failing(verdict);
  if (verdict == halve && count > 1) {
    count /= 2;
    file->disk->counts.short_reads++;
  }
  ssize_t done = at < 0 ? beneath_read()(number, bytes, count) : beneath_pread()(number, bytes, count, at);
  unlock_disks();
  return done;
}

ssize_t read(int number, void *bytes, size_t count) {
  descriptor *file = watched(number);
  return file ? read_watched(file, number, bytes, count, -1) : beneath_read()(number, bytes, count);
}

ssize_t pread(int number, void *bytes, size_t count, off_t at) {
  descriptor *file = watched(number);
  return file ? read_watched(file, number, bytes, count, at) : beneath_pread()(number, bytes, count, at);
}

ssize_t pread64(int number, void *bytes, size_t count, off64_t at) { return pread(number, bytes, count, at); }

static ssize_t write_watched(descriptor *file, int number, const void *bytes, size_t count, off_t at) {
  int verdict = judge_file(file, fault_call_write, true);
  if (verdict > 0) return failing(verdict);
  if (verdict == halve && count > 1) {
    count /= 2;
    file->disk->counts.short_writes++;
  }
  off_t place = at < 0 ? lseek(number, 0, SEEK_CUR) : at;
  ssize_t done = at < 0 ? beneath_write()(number, bytes, count) : beneath_pwrite()(number, bytes, count, at);
  if (done > 0 && file->file) note_write(file->file, (size_t)place, bytes, (size_t)done);
  unlock_disks();
  return done;
}

ssize_t write(int number, const void *bytes, size_t count) {
  descriptor *file = watched(number);
  return file ? write_watched(file, number, bytes, count, -1) : beneath_write()(number, bytes, count);
}

ssize_t pwrite(int number, const void *bytes, size_t count, off_t at) {
  descriptor *file = watched(number);
  return file ? write_watched(file, number, bytes, count, at) : beneath_pwrite()(number, bytes, count, at);
}

ssize_t pwrite64(int number, const void *bytes, size_t count, off64_t at) { return pwrite(number, bytes, count, at); }

/// The real flush is left out: what is flushed is known here, and nobody pulls this machine's plug.
static int sync_watched(descriptor *file) {
  int verdict = judge_file(file, fault_call_sync, true);
  if (verdict > 0) {
    // The kernel calls such pages clean, and says well to the next flush.
    if (file->file && file->generation == file->disk->generation && !file->disk->stopped) forget_changes(file->file);
    return (int)failing(verdict);
  }
  if (file->file) flush_file(file->file);
  else flush_names(file->disk);
  unlock_disks();
  return 0;
}

int fsync(int number) {
  descriptor *file = watched(number);
  return file ? sync_watched(file) : beneath_fsync()(number);
}

int fdatasync(int number) {
  descriptor *file = watched(number);
  return file ? sync_watched(file) : beneath_fdatasync()(number);
}

int ftruncate(int number, off_t size) {
  descriptor *file = watched(number);
  if (!file) return beneath_ftruncate()(number, size);
  int verdict = judge_file(file, fault_call_size, true);
  if (verdict > 0) return (int)failing(verdict);
  int done = beneath_ftruncate()(number, size);
  if (done == 0 && file->file) note_size(file->file, (size_t)size);
  unlock_disks();
  return done;
}

int ftruncate64(int number, off64_t size) { return ftruncate(number, size); }

int posix_fallocate(int number, off_t at, off_t count) {
  descriptor *file = watched(number);
  if (!file) return beneath_posix_fallocate()(number, at, count);
  int verdict = judge_file(file, fault_call_size, true);
  int error = verdict > 0 ? verdict : beneath_posix_fallocate()(number, at, count);
  if (error == 0 && file->file) note_size(file->file, size_of(number));
  unlock_disks();
  return error;
}

int truncate(const char *path, off_t size) {
  const char *name;
  fault_disk *disk = disk_of(path, &name);
  if (!disk) return beneath_truncate()(path, size);
  int verdict = judge(disk, fault_call_size, true);
  if (verdict > 0) return (int)failing(verdict);
  int done = beneath_truncate()(path, size);
  file *file = named(disk, name);
  if (done == 0 && file) note_size(file, (size_t)size);
  unlock_disks();
  return done;
}

int unlink(const char *path) {
  const char *name;
  fault_disk *disk = disk_of(path, &name);
  if (!disk) return beneath_unlink()(path);
  bool known = named(disk, name) != NULL;
  int verdict = judge(disk, fault_call_remove, known);
  if (verdict > 0) return (int)failing(verdict);
  int done = beneath_unlink()(path);
  if (done == 0 && known) note_name(disk, name, NULL);
  unlock_disks();
  return done;
}

/// A step with two names: within one watched folder, or not watched at all.
static int renaming(const char *from, const char *to, int (*beneath)(const char *, const char *), bool moves) {
  const char *old, *fresh;
  fault_disk *disk = disk_of(from, &old);
  if (!disk) return beneath(from, to);
  int verdict = judge(disk, fault_call_name, true);
  if (verdict > 0) return (int)failing(verdict);
  int done = beneath(from, to);
  bool stays = strncmp(to, disk->folder, disk->length) == 0 && to[disk->length] == '/';
  fresh = to + disk->length + 1;
  if (done == 0 && stays && named(disk, old)) {
    if (moves) note_rename(disk, old, fresh);
    else note_name(disk, fresh, named(disk, old));
  }
  unlock_disks();
  return done;
}

int rename(const char *from, const char *to) { return renaming(from, to, beneath_rename(), true); }
int link(const char *from, const char *to) { return renaming(from, to, beneath_link(), false); }
