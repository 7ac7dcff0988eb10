/* Names that nobody else gives: RFC 9562, 36 characters. Inside they are lower case and without braces; people see
 * them in braces, and may leave these out. */
#pragma once

struct err;

#define UUID_SIZE 37 /* with the terminator */

/* "{5d4fd4ff-…}" or without braces, in either case. ERR_BAD_VALUE for anything else. */
int uuid_parse(const char *text, char ret[static UUID_SIZE], struct err *err);

/* A new one, random. */
int uuid_make(char ret[static UUID_SIZE], struct err *err);
