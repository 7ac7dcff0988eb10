/* Kernel objects that are held over a checkpoint: one kind is one row {name, prepare, check, spoil} and one process
 * that holds the object. What a row says of its object it says by the words of a claim that does not hold. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#define MS INT64_C(1000000) /* in the unit of clocks here, nanoseconds */
#define SECOND (1000 * MS)

/* What a process tells its supervisor; each is also the ending of a file DIR/NAME.ENDING. */
enum answer { READY, DEAD, OK, BAD, SKIPPED, SPOILED };

/* What a kind keeps between its preparation and its checks: it takes of this what it needs. Its process has a session
 * of its own, the directory of the run as working directory and /dev/null as its standard files. */
struct held {
	const char *where; /* absolute path of the directory of the run */
	int fd[4];
	pid_t pid;	       /* of a child */
	int id;		       /* of an object that is not a file */
	unsigned char *memory; /* mapped, and shared with children where the kind has some */
	int64_t since;	       /* a moment on a clock, nanoseconds */
	char text[64];
	bool skipped;	  /* the object cannot be had here: the reason says why */
	char reason[256]; /* of the first claim that did not hold */
};

struct kind {
	const char *name;
	bool (*prepare)(struct held *held);
	bool (*check)(struct held *held); /* leaves the object as it found it: there may be another one */
	bool (*spoil)(
		struct held *held); /* damage the object so that a check fails; NULL where that takes the kernel */
};

struct kinds {
	const struct kind *list;
	size_t n;
};

struct kinds cgroup_kinds(void);
struct kinds cpu_kinds(void);
struct kinds events_kinds(void);
struct kinds family_kinds(void);
struct kinds files_kinds(void);
struct kinds identity_kinds(void);
struct kinds ipc_kinds(void);
struct kinds limits_kinds(void);
struct kinds locks_kinds(void);
struct kinds maps_kinds(void);
struct kinds memory_kinds(void);
struct kinds mounts_kinds(void);
struct kinds netns_kinds(void);
struct kinds packets_kinds(void);
struct kinds pipes_kinds(void);
struct kinds signals_kinds(void);
struct kinds sleeps_kinds(void);
struct kinds sockopts_kinds(void);
struct kinds tcp_kinds(void);
struct kinds terminals_kinds(void);
struct kinds threads_kinds(void);
struct kinds timers_kinds(void);
struct kinds udp_kinds(void);
struct kinds unix_kinds(void);
struct kinds watch_kinds(void);
struct kinds words_kinds(void);

/* The kind at an index, over all families; NULL past the last. */
const struct kind *kind_at(size_t index);

/* Ends of the names of files of answers, in the order of enum answer. */
const char *answer_ending(enum answer answer);

/* Hold one process for each of these kinds (all but those, if the first begins with "-"; all, if there is none), until
 * killed. */
int hold(const char *where, char *names[]);

/* Ask each process of the run in this directory for its check, or to spoil its object. Returns an exit status. */
int ask_check(const char *where);
int ask_spoil(const char *where);

/* Numbered lines over TCP, for the other end outside of the VE. Return an exit status. */
int echo_serve(const char *address, const char *port);
int echo_call(const char *address, const char *port, unsigned count, unsigned interval_ms);
