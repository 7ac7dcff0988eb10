/* Names of VEs: links /etc/vz/names/NAME -> ../conf/CTID.conf, as vzctl makes them. */
#pragma once

#include <stdint.h>

struct err;

/* Give the name to a VE. ERR_NAME if another has it; its own already is success. */
int names_assign(const char *name, uint32_t ctid, struct err *err);

/* Take the name back, if it is this VE's. NULL and "not there" are success. */
int names_release(const char *name, uint32_t ctid, struct err *err);

/* Take back every name of a VE, whatever its configuration says. */
int names_release_all(uint32_t ctid, struct err *err);
