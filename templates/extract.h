/* Extract a tar archive into the current directory: which entries are taken, how much, and what is refused. It trusts
 * the archive with nothing but what the process itself may do; templates/unpack.h gives it a sandbox. */
#pragma once

struct err;
struct unpacked;

/* As unpack_archive says; `archive` is read from where it stands. */
int extract_archive(int archive, const char *name, struct unpacked *ret, struct err *err);
