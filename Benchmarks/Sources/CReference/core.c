#define _GNU_SOURCE
#include "reference.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>

int reference_one_core(int alone) {
  static cpu_set_t all;
  static int known;
  if (!known && sched_getaffinity(0, sizeof all, &all)) return -1;
  known = 1;
  cpu_set_t wanted = all;
  if (alone) {
    int first = 0;
    while (!CPU_ISSET(first, &all)) first++;
    CPU_ZERO(&wanted);
    CPU_SET(first, &wanted);
  }
  DIR *threads = opendir("/proc/self/task");
  if (!threads) return -1;
  for (struct dirent *entry; (entry = readdir(threads));)
    if (atoi(entry->d_name) > 0) sched_setaffinity(atoi(entry->d_name), sizeof wanted, &wanted);
  closedir(threads);
  return 0;
}
