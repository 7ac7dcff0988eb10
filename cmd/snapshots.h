/* vzctl snapshot-list: the snapshots of a container in vzctl's columns. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-json.h>

struct err;
struct request;

int snapshots_list(struct request *request);

/* Print vzd's array. `fields`: names separated by commas, NULL for the usual ones; one that is unknown is
 * ERR_BAD_VALUE. */
int snapshots_print(FILE *out, sd_json_variant *array, const char *fields, bool header, bool json, struct err *err);
