#define _GNU_SOURCE
#include "CMachine.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <termios.h>
#include <unistd.h>

int lotline_clock_state(long *error_us) {
  struct timex state;
  memset(&state, 0, sizeof state);
  int answer = adjtimex(&state);
  if (answer < 0) return -1;
  *error_us = state.maxerror;
  return answer != TIME_ERROR && !(state.status & STA_UNSYNC);
}

int lotline_is_file(int descriptor, unsigned long long device, unsigned long long inode) {
  struct stat about;
  if (fstat(descriptor, &about)) return -1;
  return about.st_dev == device && about.st_ino == inode;
}

void lotline_name_thread(const char *name) {
  char kept[16];
  strncpy(kept, name, sizeof kept - 1);
  kept[sizeof kept - 1] = 0;
  pthread_setname_np(pthread_self(), kept);
}

int lotline_open_pty(char *path, size_t capacity) {
  int control = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (control < 0) return -1;
  if (grantpt(control) || unlockpt(control) || ptsname_r(control, path, capacity)) {
    int saved = errno;
    close(control);
    errno = saved;
    return -1;
  }
  struct termios line;
  if (tcgetattr(control, &line) == 0) {
    cfmakeraw(&line);
    tcsetattr(control, TCSANOW, &line);
  }
  return control;
}

void lotline_trim_memory(void) { malloc_trim(0); }

// Variadic, so that Swift cannot call it; declared here, since SQLite's header is Debian's and not needed otherwise.
extern int sqlite3_config(int, ...);
enum { memory_statistics = 9 };

int lotline_stop_sqlite_counting(void) { return sqlite3_config(memory_statistics, 0); }
