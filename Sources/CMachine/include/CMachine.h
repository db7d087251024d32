#pragma once
/// What Swift cannot call itself: clock state, thread names, pseudo-terminal names, functions with variable arguments.
#include <stddef.h>

/// The kernel's word on the clock: 1 synchronised, 0 not, -1 unknown.
/// `error_us` gets the estimated maximum error in microseconds.
int lotline_clock_state(long *error_us);

/// Names the calling thread (at most 15 bytes are kept) so that `top -H` tells who works.
void lotline_name_thread(const char *name);

/// Opens a pseudo-terminal in raw mode; `path` gets the name of the terminal's side.
/// Returns the controlling descriptor, or -1 with `errno`.
int lotline_open_pty(char *path, size_t capacity);

/// Gives memory that the allocator holds but nobody uses back to the system.
void lotline_trim_memory(void);

/// SQLite counts no memory from now on: 0, or SQLite's code for too late (a database was opened before).
int lotline_stop_sqlite_counting(void);

/// Sets the speed of a serial line, also one that termios(3) has no name for; 0, or -1 with `errno`.
int lotline_set_line_speed(int line, unsigned bits_per_second);

/// The speed of a serial line that is in force; 0, or -1 with `errno`.
int lotline_line_speed(int line, unsigned *bits_per_second);

/// A pipe that no program started later has, and whose reading end waits for nothing; 0, or -1 with `errno`.
int lotline_pipe(int ends[2]);

/// Starts `argv[0]` in a process group of its own, with nothing to read, both outputs going to `output`, no other
/// descriptor, and signals as they are by default. Its process number, or -1 with `errno`.
int lotline_spawn(char *const argv[], char *const environment[], int output);

/// Whether the descriptor is the file that `device` and `inode` name: 1, 0, or -1 with `errno`.
int lotline_is_file(int descriptor, unsigned long long device, unsigned long long inode);
