/* What kinds of objects have in common: claims, patterns, clocks, children. */
#pragma once

#include "tests/objects/objects.h"

/* Claim that something holds: its value. The first claim that does not becomes the reason, in these words. */
bool ok(struct held *held, bool holds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Say that the object cannot be had here, and why. False, as prepare must be then. */
bool skip(struct held *held, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bytes that tell their place: compared they show any that moved. */
void pattern_fill(unsigned char *memory, size_t size, unsigned seed);
bool pattern_is(const unsigned char *memory, size_t size, unsigned seed);

/* The same in a file, from its beginning; its offset stays. */
bool pattern_write(int fd, size_t size, unsigned seed);
bool pattern_read(int fd, size_t size, unsigned seed);

/* Exactly these bytes can be written, or are what is read: with more of them waiting, only the first. */
bool put(int fd, const char *text);
bool get(int fd, const char *text);

/* An anonymous mapping, filled with 0: with children shared, or private. NULL if there is none to be had. */
void *map_shared(size_t size);
void *map_private(size_t size);

/* Whether the mapping at this address has this flag among "VmFlags" in smaps: proc(5). */
bool map_has_flag(const void *address, const char *flag);

int64_t now(int clock);
void pause_ms(unsigned ms);

/* Wait up to five seconds until a counter, changed by somebody else, is more than it was. */
bool grows(volatile const unsigned *counter, unsigned was);

/* Run a claim in a child, which sees the object from outside. */
bool in_child(struct held *held, bool (*claim)(struct held *held));

/* A child that ends with its parent: its pid there, 0 in the child. */
pid_t child(void);

/* The letter of a process's state in /proc/PID/stat; 0 if there is no such process. */
char state_of(pid_t pid);

/* Wait up to five seconds for that state. */
bool becomes(pid_t pid, char state);

/* Kill and reap a child. */
void end_child(pid_t pid);

/* Whether a small file's contents are, or contain, these words. */
bool file_says(const char *path, const char *words);
bool file_write(const char *path, const char *words);
