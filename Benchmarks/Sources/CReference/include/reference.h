#pragma once
#include <stddef.h>
#include <stdint.h>

// MARK: Appends

/// Appends `count` lines of `bytes` bytes, `batch` in a commit (WAL, synchronous=FULL), from one thread, after `before`
/// others (a multiple of `batch`). Returns the seconds that took without those before, or -1.
double reference_append(const char *path, int before, int count, int batch, int bytes);
/// The same from `producers` threads, each of which waits for its commit; one thread owns the connection and commits
/// all that wait together.
double reference_append_many(const char *path, int producers, int each, int bytes);
/// Stores lines that end with a newline, `batch` in a commit. Returns the seconds that took, or -1.
double reference_store(const char *path, const char *lines, size_t count, int batch);
/// Writes `count` times `bytes` bytes, one behind the other, each with an fdatasync: at the end of the file
/// (`extending`), or over what is there. Returns the seconds that took, or -1; those of each in `took`, if given.
double reference_flushes(const char *path, int count, int bytes, int extending, double *took);

// MARK: Modbus

/// Serves `count` Modbus devices on free ports of 127.0.0.1, all on one new thread, for as long as the process runs.
/// They answer functions 3 and 4 with registers that change with every answer; the first `silent` take questions and
/// never answer. Returns 0, or -1.
int reference_serve(int count, int silent, int *ports);
/// Begins to keep anew when the devices were asked.
void reference_forget(void);
/// How many seconds behind its beat each question came: of each connection the earliest of its questions, which are
/// asked every `period` seconds, sets the beat. Gives how many figures it put into `late`.
int reference_lateness(double period, double *late, int room);
/// Questions that the devices have answered so far.
uint64_t reference_answered(void);
/// Asks one device `count` times for `registers` registers, by libmodbus. Returns the seconds that took, or -1.
double reference_requests(int port, int registers, int count);
/// Keeps all threads of this process on the first of the cores that it may use, or (`alone` 0) lets them go where they
/// will again. Returns 0, or -1.
int reference_one_core(int alone);
/// Asks each of `count` devices every `interval` milliseconds by libmodbus, and writes each answer as a row, those of
/// a round in one commit; for `seconds`. A row holds the registers as they came, or with `lines` the text of an event,
/// as the edge writes it. Returns the seconds of CPU that this process has used by then, or -1, and the number of
/// answers.
double reference_poll(const char *path, const int *ports, int count, int registers, int interval, double seconds,
                      int lines, uint64_t *answers);
/// Bytes of this process' memory that are its own, and all that is resident.
int reference_memory(long *own, long *resident);

// MARK: HTTP

/// A connection to 127.0.0.1; -1 where there is none.
int reference_connect(int port);
/// Sends a whole request and reads the whole answer; returns its status, or -1.
int reference_post(int socket, const void *request, size_t count);
void reference_disconnect(int socket);
