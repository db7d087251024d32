// What is flushed and what is not, and what is left of that after a cut.
#define _GNU_SOURCE
#include "Disk.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

descriptor descriptors[most_descriptors];
fault_disk *_Atomic disks;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void lock_disks(void) { pthread_mutex_lock(&mutex); }
void unlock_disks(void) { pthread_mutex_unlock(&mutex); }

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

// Names

fault_disk *disk_of(const char *path, const char **name) {
  if (!disks || !path) return NULL;
  lock_disks();
  for (fault_disk *disk = disks; disk; disk = disk->next) {
    if (strncmp(path, disk->folder, disk->length) != 0) continue;
    const char *rest = path + disk->length;
    if (*rest == 0) {
      *name = rest;
      return disk;
    }
    if (*rest != '/' || strchr(rest + 1, '/')) continue;
    *name = rest + 1;
    return disk;
  }
  unlock_disks();
  return NULL;
}

static entry *find(names *names, const char *name) {
  for (int index = 0; index < names->count; index++)
    if (strcmp(names->entries[index].name, name) == 0) return &names->entries[index];
  return NULL;
}

file *named(fault_disk *disk, const char *name) {
  entry *found = find(&disk->now, name);
  return found ? found->file : NULL;
}

static void set(names *names, const char *name, file *file) {
  entry *found = find(names, name);
  if (file) file->references++;
  if (found) {
    release(found->file);
    if (file) {
      found->file = file;
    } else {
      free(found->name);
      *found = names->entries[--names->count];
    }
  } else if (file) {
    if (names->count == most_names) abort();
    names->entries[names->count++] = (entry){must(strdup(name)), file};
  }
}

static void empty(names *names) {
  while (names->count) set(names, names->entries[0].name, NULL);
}

static naming *add_naming(fault_disk *disk) {
  naming *step = must(calloc(1, sizeof *step));
  if (disk->last) disk->last->next = step;
  else disk->first = step;
  disk->last = step;
  return step;
}

static void add_set(naming *step, const char *name, file *file) {
  if (file) file->references++;
  step->sets[step->count++] = (entry){must(strdup(name)), file};
}

static void apply_sets(naming *step, names *names) {
  for (int index = 0; index < step->count; index++) set(names, step->sets[index].name, step->sets[index].file);
}

void note_name(fault_disk *disk, const char *name, file *file) {
  naming *step = add_naming(disk);
  add_set(step, name, file);
  apply_sets(step, &disk->now);
}

void note_rename(fault_disk *disk, const char *from, const char *to) {
  naming *step = add_naming(disk);
  add_set(step, to, named(disk, from));
  add_set(step, from, NULL);
  apply_sets(step, &disk->now);
}

/// Makes the first `count` steps safe and forgets all.
static void end_namings(fault_disk *disk, uint64_t count) {
  for (naming *step = disk->first, *next; step; step = next) {
    next = step->next;
    if (count) {
      apply_sets(step, &disk->flushed);
      count--;
    } else {
      disk->counts.lost_names++;
    }
    for (int index = 0; index < step->count; index++) {
      free(step->sets[index].name);
      if (step->sets[index].file) release(step->sets[index].file);
    }
    free(step);
  }
  disk->first = disk->last = NULL;
}

void flush_names(fault_disk *disk) { end_namings(disk, UINT64_MAX); }

// Bytes

file *new_file(void) {
  file *made = must(calloc(1, sizeof *made));
  made->references = 1;
  return made;
}

void release(file *file) {
  if (--file->references) return;
  forget_changes(file);
  free(file->flushed);
  free(file);
}

static void resize(file *file, size_t size) {
  if (size > file->room) {
    file->room = size * 2;
    file->flushed = must(realloc(file->flushed, file->room));
  }
  if (size > file->size) memset(file->flushed + file->size, 0, size - file->size);
  file->size = size;
}

static void put(file *file, size_t at, const unsigned char *bytes, size_t count) {
  if (at + count > file->size) resize(file, at + count);
  memcpy(file->flushed + at, bytes, count);
}

static void add_change(file *file, change made) {
  change *kept = must(malloc(sizeof *kept));
  *kept = made;
  if (file->last) file->last->next = kept;
  else file->first = kept;
  file->last = kept;
}

void note_write(file *file, size_t at, const void *bytes, size_t count) {
  unsigned char *copy = must(malloc(count));
  memcpy(copy, bytes, count);
  add_change(file, (change){NULL, false, at, count, copy});
}

void note_size(file *file, size_t size) { add_change(file, (change){NULL, true, size, 0, NULL}); }

void forget_changes(file *file) {
  for (change *made = file->first, *next; made; made = next) {
    next = made->next;
    free(made->bytes);
    free(made);
  }
  file->first = file->last = NULL;
}

void flush_file(file *file) {
  for (change *made = file->first; made; made = made->next) {
    if (made->is_size) resize(file, made->at);
    else put(file, made->at, made->bytes, made->count);
  }
  forget_changes(file);
}

// Cuts

static uint64_t drawn(uint64_t *seed) {
  uint64_t z = (*seed += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// How a cut treats what is not flushed.
enum manner { all_lost, all_kept, from_one_on_lost, any_lost, any_lost_or_garbled, manners };

/// Which part of a write came to the disk.
enum part { none, some, all };

static enum part keep_write(fault_disk *disk, file *file, const change *made, enum part part, bool garbles, uint64_t *seed) {
  if (part == none) return none;
  if (part == all) {
    put(file, made->at, made->bytes, made->count);
    return all;
  }
  size_t kept = 0, sectors = 0;
  for (size_t at = made->at, end = made->at + made->count; at < end;) {
    size_t next = (at / sector + 1) * sector;
    if (next > end) next = end;
    uint64_t choice = drawn(seed) % 8;
    sectors++;
    if (choice < 4) {
      kept++;
      put(file, at, made->bytes + (at - made->at), next - at);
    } else if (choice == 7 && garbles) {
      unsigned char garbage[sector];
      for (size_t index = 0; index < sizeof garbage; index++) garbage[index] = (unsigned char)drawn(seed);
      put(file, at, garbage, next - at);
      disk->counts.garbled_sectors++;
    }
    at = next;
  }
  return kept == 0 ? none : kept == sectors ? all : some;
}

static void cut_file(fault_disk *disk, file *file, enum manner manner, uint64_t *seed) {
  uint64_t count = 0, number = 0;
  for (change *made = file->first; made; made = made->next) count++;
  uint64_t border = count ? drawn(seed) % (count + 1) : 0;
  bool lost_one = false;
  for (change *made = file->first; made; made = made->next, number++) {
    enum part part = all;
    switch (manner) {
    case all_lost: part = none; break;
    case all_kept: break;
    case from_one_on_lost: part = number < border ? all : number == border ? some : none; break;
    default: part = (enum part)(drawn(seed) % 3); break;
    }
    if (made->is_size) {
      if (part == some) part = drawn(seed) % 2 ? all : none;
      if (part == all) resize(file, made->at);
      else disk->counts.lost_sizes++;
      continue;
    }
    part = keep_write(disk, file, made, part, manner == any_lost_or_garbled, seed);
    if (part == none) disk->counts.lost_writes++;
    if (part == some) disk->counts.torn_writes++;
    if (part != none && lost_one) disk->counts.reordered_writes++;
    if (part != all) lost_one = true;
  }
  forget_changes(file);
}

static char *path_in(fault_disk *disk, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", disk->folder, name) < 0) abort();
  return path;
}

/// Calls `visit` with each file's path and name.
static void each_name(fault_disk *disk, void (*visit)(fault_disk *, const char *path, const char *name)) {
  DIR *folder = opendir(disk->folder);
  if (!folder) return;
  for (struct dirent *found; (found = readdir(folder));) {
    char *path = path_in(disk, found->d_name);
    struct stat about;
    if (lstat(path, &about) == 0 && S_ISREG(about.st_mode)) visit(disk, path, found->d_name);
    free(path);
  }
  closedir(folder);
}

static void remove_name(fault_disk *disk, const char *path, const char *name) {
  (void)disk, (void)name;
  remove(path);
}

/// Puts into the folder what is flushed, and nothing else.
///
/// With stdio and `remove`, whose calls within the C library nobody can come before.
static void materialise(fault_disk *disk) {
  each_name(disk, remove_name);
  empty(&disk->now);
  for (int index = 0; index < disk->flushed.count; index++) {
    entry *entry = &disk->flushed.entries[index];
    char *path = path_in(disk, entry->name);
    FILE *made = must(fopen(path, "we"));
    if (entry->file->size && fwrite(entry->file->flushed, 1, entry->file->size, made) != entry->file->size) abort();
    if (fclose(made) != 0 || chmod(path, 0640) != 0) abort();
    free(path);
    set(&disk->now, entry->name, entry->file);
  }
}

/// Two names of one file are two files after a cut: nothing here writes to both.
static void separate(fault_disk *disk) {
  for (int index = 0; index < disk->flushed.count; index++) {
    entry *entry = &disk->flushed.entries[index];
    file *copy = new_file();
    put(copy, 0, entry->file->flushed, entry->file->size);
    release(entry->file);
    entry->file = copy;
  }
}

static void take_in(fault_disk *disk, const char *path, const char *name) {
  size_t length = strlen(name);
  if (length >= 4 && strcmp(name + length - 4, "-shm") == 0) return;
  FILE *found = fopen(path, "re");
  if (!found) return;
  file *file = new_file();
  unsigned char bytes[65536];
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, found));) put(file, file->size, bytes, count);
  fclose(found);
  set(&disk->flushed, name, file);
  set(&disk->now, name, file);
  release(file);
}

static void settle(fault_disk *disk) {
  empty(&disk->now);
  empty(&disk->flushed);
  end_namings(disk, 0);
  each_name(disk, take_in);
}

// What tests call

fault_disk *fault_disk_watch(const char *folder) {
  fault_disk *disk = must(calloc(1, sizeof *disk));
  disk->folder = must(strdup(folder));
  disk->length = strlen(folder);
  disk->generation = 1;
  settle(disk);
  lock_disks();
  disk->next = disks;
  disks = disk;
  unlock_disks();
  return disk;
}

void fault_disk_leave(fault_disk *disk) {
  lock_disks();
  if (disks == disk) {
    disks = disk->next;
  } else {
    for (fault_disk *before = disks; before; before = before->next)
      if (before->next == disk) before->next = disk->next;
  }
  for (int number = 0; number < most_descriptors; number++) {
    if (descriptors[number].disk != disk) continue;
    descriptors[number].disk = NULL;
    if (descriptors[number].file) release(descriptors[number].file);
    descriptors[number].file = NULL;
  }
  unlock_disks();
  empty(&disk->now);
  empty(&disk->flushed);
  end_namings(disk, 0);
  free(disk->folder);
  free(disk);
}

void fault_disk_settle(fault_disk *disk) {
  lock_disks();
  uint64_t lost = disk->counts.lost_names;
  settle(disk);
  disk->counts.lost_names = lost;
  unlock_disks();
}

void fault_disk_fail(fault_disk *disk, enum fault_call kind, uint64_t nth, bool forever, int error) {
  lock_disks();
  disk->plans[kind] = (plan){nth, forever, false, error};
  unlock_disks();
}

void fault_disk_shorten(fault_disk *disk, enum fault_call kind, uint64_t nth, bool forever) {
  lock_disks();
  disk->plans[kind] = (plan){nth, forever, true, 0};
  unlock_disks();
}

void fault_disk_stop_before(fault_disk *disk, uint64_t nth) {
  lock_disks();
  disk->stop_in = nth;
  unlock_disks();
}

void fault_disk_stop(fault_disk *disk) {
  lock_disks();
  disk->stopped = true;
  unlock_disks();
}

bool fault_disk_is_stopped(fault_disk *disk) {
  lock_disks();
  bool stopped = disk->stopped;
  unlock_disks();
  return stopped;
}

void fault_disk_heal(fault_disk *disk) {
  lock_disks();
  memset(disk->plans, 0, sizeof disk->plans);
  disk->stop_in = 0;
  unlock_disks();
}

void fault_disk_go_on(fault_disk *disk, bool cut, uint64_t seed) {
  lock_disks();
  disk->generation++;
  if (cut) {
    enum manner manner = (enum manner)(drawn(&seed) % manners);
    uint64_t steps = 0;
    for (naming *step = disk->first; step; step = step->next) steps++;
    uint64_t kept = manner == all_lost ? 0 : manner == all_kept ? steps : drawn(&seed) % (steps + 1);
    end_namings(disk, kept);
    for (int index = 0; index < disk->flushed.count; index++)
      cut_file(disk, disk->flushed.entries[index].file, manner, &seed);
    separate(disk);
    materialise(disk);
    disk->counts.cuts++;
  } else {
    disk->counts.kills++;
  }
  disk->stopped = false;
  disk->stop_in = 0;
  unlock_disks();
}

uint64_t fault_disk_garble(fault_disk *disk, const char *name, uint64_t sectors, uint64_t seed) {
  lock_disks();
  file *file = named(disk, name);
  char *path = path_in(disk, name);
  FILE *open = file ? fopen(path, "r+e") : NULL;
  uint64_t done = 0;
  struct stat about;
  if (open && fstat(fileno(open), &about) == 0 && about.st_size > 0) {
    for (; done < sectors; done++) {
      unsigned char garbage[sector];
      for (size_t index = 0; index < sizeof garbage; index++) garbage[index] = (unsigned char)drawn(&seed);
      size_t at = drawn(&seed) % (((size_t)about.st_size + sector - 1) / sector) * sector;
      size_t count = (size_t)about.st_size - at < sector ? (size_t)about.st_size - at : sector;
      fseek(open, (long)at, SEEK_SET);
      fwrite(garbage, 1, count, open);
      note_write(file, at, garbage, count);
    }
    disk->counts.garbled_sectors += done;
  }
  if (open) fclose(open);
  if (file) flush_file(file);
  free(path);
  unlock_disks();
  return done;
}

fault_counts fault_disk_counts(fault_disk *disk) {
  lock_disks();
  fault_counts counts = disk->counts;
  unlock_disks();
  return counts;
}
