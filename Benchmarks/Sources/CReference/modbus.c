#define _GNU_SOURCE
#include "reference.h"
#include "clock.h"

#include <arpa/inet.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static _Atomic uint64_t answered;
enum { most = 4096, kept = 64 };
/// What a descriptor is: nothing or a client, a listener, or one whose clients are never answered.
enum { client_side, listener, mute_listener };
static char listens[most];
static char mute[most];
/// When each client asked, the newest `kept` times.
static double asked[most][kept];
static int times[most];

uint64_t reference_answered(void) { return answered; }

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/// A question of twelve bytes that came whole (each client waits for its answer): gives the answer's length, or -1.
static int answer(const uint8_t *q, uint8_t *a) {
  int count = q[10] << 8 | q[11];
  if ((q[7] != 3 && q[7] != 4) || count < 1 || count > 125) return -1;
  int length = 3 + 2 * count;
  memcpy(a, q, 4);
  a[4] = length >> 8, a[5] = length, a[6] = q[6], a[7] = q[7], a[8] = 2 * count;
  uint16_t base = answered++;
  for (int i = 0; i < count; i++) {
    uint16_t value = base + i * 257;
    a[9 + 2 * i] = value >> 8, a[10 + 2 * i] = value;
  }
  return 6 + length;
}

static void *serve(void *argument) {
  int epoll = (int)(intptr_t)argument;
  struct epoll_event events[64];
  uint8_t question[260], reply[260];
  for (;;) {
    int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (listens[fd]) {
        int client = accept(fd, 0, 0), yes = 1;
        if (client < 0) continue;
        if (client >= most) {
          close(client);
          continue;
        }
        mute[client] = listens[fd] == mute_listener;
        times[client] = 0;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(epoll, client);
        continue;
      }
      ssize_t got = recv(fd, question, sizeof question, 0);
      if (got > 0 && mute[fd]) continue;
      if (got > 0) asked[fd][times[fd]++ % kept] = now();
      int length = got == 12 ? answer(question, reply) : -1;
      if (length < 0 || send(fd, reply, length, MSG_NOSIGNAL) != length) close(fd);
    }
  }
  return 0;
}

int reference_serve(int count, int silent, int *ports) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || fd >= most || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 16)) return -1;
    if (getsockname(fd, (struct sockaddr *)&address, &size)) return -1;
    ports[i] = ntohs(address.sin_port);
    listens[fd] = i < silent ? mute_listener : listener;
    watch(epoll, fd);
  }
  pthread_t thread;
  return pthread_create(&thread, 0, serve, (void *)(intptr_t)epoll) ? -1 : 0;
}

void reference_forget(void) {
  for (int fd = 0; fd < most; fd++) times[fd] = 0;
}

int reference_lateness(double period, double *late, int room) {
  int count = 0;
  for (int fd = 0; fd < most; fd++) {
    int known = times[fd] < kept ? times[fd] : kept;
    if (listens[fd] || mute[fd] || known < 3) continue;
    double phase = 0;
    for (int i = 0; i < known; i++) {
      double turn = (double)(long)((asked[fd][i] - asked[fd][0]) / period + (asked[fd][i] < asked[fd][0] ? -0.5 : 0.5));
      double offset = asked[fd][i] - turn * period;
      if (i == 0 || offset < phase) phase = offset;
    }
    for (int i = 0; i < known && count < room; i++) {
      double since = asked[fd][i] - phase;
      late[count++] = since - period * (double)(long)(since / period + 0.5);
    }
  }
  return count;
}

static modbus_t *dial(int port) {
  modbus_t *context = modbus_new_tcp("127.0.0.1", port);
  if (context && modbus_connect(context) == 0) return context;
  modbus_free(context);
  return 0;
}

double reference_requests(int port, int registers, int count) {
  modbus_t *context = dial(port);
  if (!context) return -1;
  uint16_t values[125];
  double start = now();
  for (int i = 0; i < count; i++)
    if (modbus_read_registers(context, 0, registers, values) != registers) return -1;
  double took = now() - start;
  modbus_close(context);
  modbus_free(context);
  return took;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// Writes an answer as an event of the edge would: names, a time, a number for each register. Returns its length.
static int event_line(char *line, int device, uint64_t sequence, struct timespec wall, const uint16_t *values,
                      int registers) {
  struct tm day;
  gmtime_r(&wall.tv_sec, &day);
  char *at = line;
  at += sprintf(at,
                "{\"specversion\":\"1.0\",\"id\":\"00000000000000000000000000000000:%llu\",\"source\":\"bench\","
                "\"type\":\"lotline.reading\",\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"subject\":\"ST10\","
                "\"data\":{\"device\":\"plc-%d\",\"group\":\"process\",\"tags\":{",
                (unsigned long long)sequence, day.tm_year + 1900, day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
                day.tm_sec, wall.tv_nsec / 1000, device);
  for (int i = 0; i < registers; i++) at += sprintf(at, "%s\"r%d\":%u", i ? "," : "", i, values[i]);
  at += sprintf(at, "},\"stamp\":{\"station\":\"ST10\"}}}");
  return at - line;
}

double reference_poll(const char *path, const int *ports, int count, int registers, int interval, double seconds,
                      int lines, uint64_t *answers) {
  sqlite3 *db;
  sqlite3_stmt *begin, *insert, *commit;
  const char *setup =
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE readings(key INTEGER PRIMARY KEY, device INTEGER, time INTEGER, registers BLOB)";
  if (sqlite3_open(path, &db) || sqlite3_exec(db, setup, 0, 0, 0)) return -1;
  if (sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, 0) || sqlite3_prepare_v2(db, "COMMIT", -1, &commit, 0) ||
      sqlite3_prepare_v2(db, "INSERT INTO readings(device, time, registers) VALUES(?1, ?2, ?3)", -1, &insert, 0))
    return -1;
  modbus_t **devices = calloc(count, sizeof *devices);
  for (int i = 0; i < count; i++)
    if (!(devices[i] = dial(ports[i]))) return -1;
  char line[4096];
  double before = cpu(), end = now() + seconds;
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  *answers = 0;
  while (now() < end) {
    sqlite3_step(begin), sqlite3_reset(begin);
    for (int i = 0; i < count; i++) {
      uint16_t values[125];
      struct timespec wall;
      if (modbus_read_registers(devices[i], 0, registers, values) != registers) return -1;
      clock_gettime(CLOCK_REALTIME, &wall);
      sqlite3_bind_int(insert, 1, i);
      sqlite3_bind_int64(insert, 2, wall.tv_sec * 1000000LL + wall.tv_nsec / 1000);
      if (lines)
        sqlite3_bind_text(insert, 3, line, event_line(line, i, *answers, wall, values, registers), SQLITE_STATIC);
      else
        sqlite3_bind_blob(insert, 3, values, 2 * registers, SQLITE_STATIC);
      if (sqlite3_step(insert) != SQLITE_DONE) return -1;
      sqlite3_reset(insert);
      ++*answers;
    }
    if (sqlite3_step(commit) != SQLITE_DONE) return -1;
    sqlite3_reset(commit);
    due.tv_nsec += interval * 1000000L;
    while (due.tv_nsec >= 1000000000L) due.tv_nsec -= 1000000000L, due.tv_sec++;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, 0);
  }
  return cpu() - before;
}

int reference_memory(long *own, long *resident) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  *own = *resident = 0;
  while (file && fgets(line, sizeof line, file)) {
    sscanf(line, "RssAnon: %ld", own);
    sscanf(line, "VmRSS: %ld", resident);
  }
  if (file) fclose(file);
  *own *= 1024, *resident *= 1024;
  return *resident > 0 ? 0 : -1;
}
