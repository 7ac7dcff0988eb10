/* vzd's own log on stderr, and the record of what was done to VEs: vzctl's log file and the journal. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct node_config;

/* A line on stderr; with the priority that the journal reads (sd-daemon(3)) when stderr goes there. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define LOG_NOBODY ((uid_t) - 1)

/* Something that was done, or failed. */
struct log_record {
	uint32_t ctid;	  /* 0: not about a VE */
	const char *verb; /* "start" */
	const char *text; /* "started", or why not */
	uid_t uid;	  /* who asked; LOG_NOBODY: it came about by itself */
	int result;	  /* vzctl's exit code */
};

/* Write it to LOGFILE, if vz.conf has logging on, and to the journal, if there is one. */
void log_operation(const struct node_config *node, const struct log_record *record);
