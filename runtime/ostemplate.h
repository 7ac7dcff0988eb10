/* OS templates as operations of the node: progress goes to the listener, and no template goes while a VE stands on it.
 */
#pragma once

#include "templates/template.h"

struct op;

int ostemplate_find(struct op *op, const char *name, struct template *ret);
int ostemplate_list(struct op *op, struct template **ret, size_t *ret_n);

/* The digest of the template's layer, for a VE to come; an archive that lies in the cache alone is unpacked first.
 * Returns an fd: until it is closed, no layer goes that no VE stands on. */
int ostemplate_layer(struct op *op, const char *name, char ret_digest[65]);

/* See template_import(). The layers that an older template of that name leaves behind, and that no VE stands on, go. */
int ostemplate_import(struct op *op, const char *archive, const char *name, const char *sha256, struct template *ret);

/* See template_build(). */
int ostemplate_build(struct op *op, const char *name, struct template *ret);

/* ERR_TEMPLATE_IN_USE names the VEs that stand on it. */
int ostemplate_delete(struct op *op, const char *name);
