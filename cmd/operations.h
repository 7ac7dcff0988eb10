/* Subcommands that ask for something and tell how it went. Each returns an exit code, or a negative errno with the
 * reason. */
#pragma once

#include <systemd/sd-json.h>

struct request;

int operation_run(struct request *request);

/* Success for one that does not run, as with vzctl 4 (its manual promises exit code 31). */
int operation_stop(struct request *request);

/* Without a CTID of the caller's choice, the one that vzd took is the last line of stdout. */
int operation_create(struct request *request);

/* Prints the CTIDs of clones that were not given one. */
int operation_clone(struct request *request);

/* One line for scripts, whatever --quiet says: `CTID 101 exist mounted running`. With --detail, more for people below
 * it. */
int operation_status(struct request *request);

/* That line, from vzd's answer; the caller frees. `ve` stands for the CTID of one that does not exist. */
char *operation_status_line(const char *ve, sd_json_variant *answer);
