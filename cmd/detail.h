/* What `vzctl status --detail` tells people of a VE, below the line for scripts. */
#pragma once

#include <stdio.h>

struct client;
struct err;
struct record;

/* Ask vzd for the VE and print it. */
int detail_show(struct client *client, const char *ve, FILE *out, struct err *err);

void detail_print(FILE *out, const struct record *record);
