// What the two parts share: the calls (Calls.c) and the model of what is flushed (Disk.c).
#pragma once
#include "CFaultDisk.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/types.h>

enum { most_names = 64, most_descriptors = 4096, sector = 512 };

/// A write, or a change of size, that is not flushed yet.
typedef struct change {
  struct change *next;
  bool is_size;
  size_t at, count;
  unsigned char *bytes;
} change;

/// One file, whatever it is called.
typedef struct file {
  int references;
  unsigned char *flushed;
  size_t size, room;
  change *first, *last;
} file;

typedef struct {
  char *name;
  file *file;
} entry;

typedef struct {
  entry entries[most_names];
  int count;
} names;

/// Names that changed in one step: each gets a file, or none.
typedef struct naming {
  struct naming *next;
  int count;
  entry sets[2];
} naming;

typedef struct {
  uint64_t nth;
  bool forever, shortens;
  int error;
} plan;

struct fault_disk {
  fault_disk *next;
  char *folder;
  size_t length;
  unsigned generation;
  bool stopped;
  uint64_t stop_in;
  plan plans[fault_call_kinds];
  names now, flushed;
  naming *first, *last;
  fault_counts counts;
};

/// What a descriptor stands for; `disk` is nil for all that is not watched.
typedef struct {
  fault_disk *_Atomic disk;
  file *file;
  unsigned generation;
} descriptor;

extern descriptor descriptors[most_descriptors];
extern fault_disk *_Atomic disks;

void lock_disks(void);
void unlock_disks(void);

/// The name in its folder where a watched disk has that path; an empty one for the folder itself.
fault_disk *disk_of(const char *path, const char **name);
file *named(fault_disk *disk, const char *name);

void note_write(file *file, size_t at, const void *bytes, size_t count);
void note_size(file *file, size_t size);
void note_name(fault_disk *disk, const char *name, file *file);
void note_rename(fault_disk *disk, const char *from, const char *to);
void flush_file(file *file);
void forget_changes(file *file);
void flush_names(fault_disk *disk);
file *new_file(void);
void release(file *file);
