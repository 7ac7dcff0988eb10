/* Asking a VE's init to end, and making sure that it has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runtime/state.h"

struct op;

/* Ask as this init wants to be asked (a signal, or its own poweroff program); false if there is no way. */
bool power_ask(struct op *op, uint32_t ctid, const struct state *state, int pidfd);

/* Wait until the process has ended; false after `seconds`. */
bool power_wait(int pidfd, uint64_t seconds);

/* Wait until the VE's own boot is through, as its init tells (systemd); at once where an init does not tell.
 * ERR_WAIT_FAILED when it ends or after `seconds`. */
int power_wait_booted(struct op *op, uint32_t ctid, const struct state *state, uint64_t seconds);
