/* Names of VEs: links /etc/vz/names/NAME -> ../conf/CTID.conf, as vzctl makes them. */
#pragma once

#include <stdint.h>

struct err;

/* Whose name it is. ERR_BAD_CTID if nobody's. */
int names_find(const char *name, uint32_t *ret_ctid, struct err *err);

/* May a VE take the name? ERR_NAME if another has it, or if it is another's number; its own already is fine. */
int names_check(const char *name, uint32_t ctid, struct err *err);

/* Give the name to a VE, as names_check() allows. */
int names_assign(const char *name, uint32_t ctid, struct err *err);

/* Take the name back, if it is this VE's. NULL and "not there" are success. */
int names_release(const char *name, uint32_t ctid, struct err *err);

/* Take back every name of a VE, whatever its configuration says. */
int names_release_all(uint32_t ctid, struct err *err);
