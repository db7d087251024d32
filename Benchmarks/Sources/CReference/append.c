#include "reference.h"
#include "clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct store {
  sqlite3 *db;
  sqlite3_stmt *begin, *insert, *commit;
  sqlite3_int64 key;
};

static int store_open(struct store *s, const char *path) {
  memset(s, 0, sizeof *s);
  if (sqlite3_open(path, &s->db)) return -1;
  const char *setup =
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE events(key INTEGER PRIMARY KEY, previous BLOB NOT NULL, proof INTEGER NOT NULL, line BLOB NOT NULL)";
  if (sqlite3_exec(s->db, setup, 0, 0, 0)) return -1;
  if (sqlite3_prepare_v2(s->db, "BEGIN IMMEDIATE", -1, &s->begin, 0)) return -1;
  if (sqlite3_prepare_v2(s->db, "INSERT INTO events VALUES(?1, ?2, ?3, ?4)", -1, &s->insert, 0)) return -1;
  return sqlite3_prepare_v2(s->db, "COMMIT", -1, &s->commit, 0);
}

static int run(sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? 0 : -1;
}

static int add(struct store *s, const char *line, size_t bytes) {
  static const char hash[32];
  sqlite3_bind_int64(s->insert, 1, ++s->key);
  sqlite3_bind_blob(s->insert, 2, hash, 32, SQLITE_STATIC);
  sqlite3_bind_int64(s->insert, 3, s->key * 0x5851F42D4C957F2D);
  sqlite3_bind_blob(s->insert, 4, line, (int)bytes, SQLITE_STATIC);
  return run(s->insert);
}

static double store_close(struct store *s, double seconds) {
  sqlite3_finalize(s->begin);
  sqlite3_finalize(s->insert);
  sqlite3_finalize(s->commit);
  return sqlite3_close(s->db) ? -1 : seconds;
}

double reference_append(const char *path, int before, int count, int batch, int bytes) {
  struct store s;
  if (store_open(&s, path)) return -1;
  char *line = malloc(bytes);
  memset(line, 'x', bytes);
  double start = now();
  for (int done = -before; done < count;) {
    if (done == 0) start = now();
    if (run(s.begin)) return -1;
    for (int i = 0; i < batch && done < count; i++, done++)
      if (add(&s, line, bytes)) return -1;
    if (run(s.commit)) return -1;
  }
  double took = now() - start;
  free(line);
  return store_close(&s, took);
}

double reference_store(const char *path, const char *lines, size_t count, int batch) {
  struct store s;
  if (store_open(&s, path)) return -1;
  double start = now();
  const char *end = lines + count;
  while (lines < end) {
    if (run(s.begin)) return -1;
    for (int i = 0; i < batch && lines < end; i++) {
      const char *newline = memchr(lines, '\n', end - lines);
      if (!newline || add(&s, lines, newline - lines)) return -1;
      lines = newline + 1;
    }
    if (run(s.commit)) return -1;
  }
  return store_close(&s, now() - start);
}

struct exchange {
  pthread_mutex_t mutex;
  pthread_cond_t arrived;
  sem_t **waiting;
  int count, each;
};

/// Puts its wish on the list and sleeps on a semaphore of its own until its commit is done.
static void *produce(void *argument) {
  struct exchange *x = argument;
  sem_t done;
  sem_init(&done, 0, 0);
  for (int i = 0; i < x->each; i++) {
    pthread_mutex_lock(&x->mutex);
    x->waiting[x->count++] = &done;
    pthread_cond_signal(&x->arrived);
    pthread_mutex_unlock(&x->mutex);
    while (sem_wait(&done)) {
    }
  }
  sem_destroy(&done);
  return 0;
}

double reference_append_many(const char *path, int producers, int each, int bytes) {
  struct store s;
  if (store_open(&s, path)) return -1;
  char *line = malloc(bytes);
  memset(line, 'x', bytes);
  sem_t **taken = calloc(producers, sizeof *taken);
  struct exchange x = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, calloc(producers, sizeof *taken), 0, each};
  pthread_t *threads = calloc(producers, sizeof *threads);
  double start = now();
  for (int i = 0; i < producers; i++)
    if (pthread_create(&threads[i], 0, produce, &x)) return -1;
  for (long written = 0; written < (long)producers * each;) {
    pthread_mutex_lock(&x.mutex);
    while (x.count == 0) pthread_cond_wait(&x.arrived, &x.mutex);
    int count = x.count;
    memcpy(taken, x.waiting, count * sizeof *taken);
    x.count = 0;
    pthread_mutex_unlock(&x.mutex);
    if (run(s.begin)) return -1;
    for (int i = 0; i < count; i++)
      if (add(&s, line, bytes)) return -1;
    if (run(s.commit)) return -1;
    for (int i = 0; i < count; i++) sem_post(taken[i]);
    written += count;
  }
  for (int i = 0; i < producers; i++) pthread_join(threads[i], 0);
  double took = now() - start;
  free(threads);
  free(taken);
  free(x.waiting);
  free(line);
  return store_close(&s, took);
}

double reference_flushes(const char *path, int count, int bytes, int extending, double *took) {
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char *page = malloc(bytes);
  if (file < 0 || !page) return -1;
  memset(page, 'x', bytes);
  // Written before, so that its blocks are there and the file keeps its size.
  for (int i = 0; !extending && i < count; i++)
    if (pwrite(file, page, bytes, (off_t)i * bytes) != bytes) return -1;
  if (fsync(file)) return -1;
  double start = now();
  for (int i = 0; i < count; i++) {
    double before = now();
    if (pwrite(file, page, bytes, (off_t)i * bytes) != bytes || fdatasync(file)) return -1;
    if (took) took[i] = now() - before;
  }
  double all = now() - start;
  free(page);
  close(file);
  return all;
}
