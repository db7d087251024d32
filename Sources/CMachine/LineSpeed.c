// In a file of its own: the kernel's termbits.h and the C library's termios.h exclude each other.
#include "CMachine.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

int lotline_set_line_speed(int line, unsigned bits_per_second) {
  struct termios2 state;
  if (ioctl(line, TCGETS2, &state)) return -1;
  state.c_cflag &= ~(CBAUD | CBAUD << IBSHIFT);
  state.c_cflag |= BOTHER | BOTHER << IBSHIFT;
  state.c_ispeed = bits_per_second;
  state.c_ospeed = bits_per_second;
  return ioctl(line, TCSETS2, &state);
}

int lotline_line_speed(int line, unsigned *bits_per_second) {
  struct termios2 state;
  if (ioctl(line, TCGETS2, &state)) return -1;
  *bits_per_second = state.c_ospeed;
  return 0;
}
