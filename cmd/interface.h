/* The varlink interface io.openve, as vzd serves it and `varlinkctl introspect` prints it. */
#pragma once

#include <systemd/sd-varlink-idl.h>

/* Put the description together: the types and methods are here, the errors come from error_table. The caller frees it
 * with interface_free(), after the server that uses it. */
sd_varlink_interface *interface_new(void);
void interface_free(sd_varlink_interface *interface);
