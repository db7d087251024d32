// A wall clock that a test sets while a program runs, preloaded into it: what the kernel's clock says is shifted by what
// the file that FALSE_CLOCK names holds. Boot time can be shifted as well, as a PC that slept has it; CLOCK_MONOTONIC,
// which counts no sleep, never is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

struct shift {
  long long wall_ns;
  long long boot_ns;
  long long synchronised;
};

static volatile struct shift *shift;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("FALSE_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) shift = mapped;
}

static void add(struct timespec *time, long long ns) {
  long long all = time->tv_sec * 1000000000LL + time->tv_nsec + ns;
  time->tv_sec = all / 1000000000LL;
  time->tv_nsec = all % 1000000000LL;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (!real_gettime) begin();
  int answer = real_gettime(clock, time);
  if (answer || !shift) return answer;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) add(time, shift->wall_ns);
  if (clock == CLOCK_BOOTTIME) add(time, shift->boot_ns);
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

int adjtimex(struct timex *state) {
  if (!shift) return ((int (*)(struct timex *))dlsym(RTLD_NEXT, "adjtimex"))(state);
  memset(state, 0, sizeof *state);
  state->maxerror = shift->synchronised ? 100000 : 16000000;
  state->status = shift->synchronised ? STA_PLL : STA_UNSYNC;
  return shift->synchronised ? TIME_OK : TIME_ERROR;
}
