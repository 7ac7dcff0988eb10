#include "quota/btf.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define PATH_BTF "/sys/kernel/btf/vmlinux"

struct btf {
	char *bytes; /* the whole file */
	const char *strings;
	const struct btf_type **types; /* by id; 0 is void and NULL */
	uint32_t n;
};

void btf_close(struct btf **btf)
{
	if (!*btf)
		return;
	free((*btf)->bytes);
	free((*btf)->types);
	free(*btf);
	*btf = NULL;
}

/* Bytes of what follows a type, by its kind. */
static size_t tail(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	}
	return 0;
}

static void index_types(struct btf *btf, const char *at, const char *end)
{
	btf->types = mem_zero((size_t)(end - at) / sizeof(struct btf_type) + 1, sizeof(*btf->types));
	for (btf->n = 1; at < end; btf->n++) {
		const struct btf_type *type = (const void *)at;
		btf->types[btf->n] = type;
		at += sizeof(*type) + tail(type);
	}
}

int btf_open(struct btf **ret, struct err *err)
{
	cleanup_btf struct btf *btf = mem_zero(1, sizeof(*btf));
	size_t length;

	int r = io_read_file(AT_FDCWD, PATH_BTF, &btf->bytes, &length);
	if (r < 0)
		return err_set(err, -r, "read " PATH_BTF " (the kernel needs CONFIG_DEBUG_INFO_BTF)");

	const struct btf_header *header = (const void *)btf->bytes;
	if (length < sizeof(*header) || header->magic != BTF_MAGIC)
		return err_say(err, ERR_SYSTEM, PATH_BTF " is not in a format that is known here");
	const char *data = btf->bytes + header->hdr_len;
	btf->strings = data + header->str_off;
	index_types(btf, data + header->type_off, data + header->type_off + header->type_len);
	*ret = steal_ptr(btf);
	return 0;
}

static uint32_t find(const struct btf *btf, uint32_t kind, const char *name)
{
	for (uint32_t id = 1; id < btf->n; id++)
		if (BTF_INFO_KIND(btf->types[id]->info) == kind &&
		    str_eq(btf->strings + btf->types[id]->name_off, name))
			return id;
	return 0;
}

int btf_function(const struct btf *btf, const char *name, uint32_t *ret_id, struct err *err)
{
	uint32_t id = find(btf, BTF_KIND_FUNC, name);
	if (id == 0)
		return err_say(err, ERR_SYSTEM, "this kernel has no function %s", name);
	*ret_id = id;
	return 0;
}

/* What a type is, its other names taken off. */
static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf->types[id];

	while (type && (BTF_INFO_KIND(type->info) == BTF_KIND_TYPEDEF || BTF_INFO_KIND(type->info) == BTF_KIND_CONST ||
			BTF_INFO_KIND(type->info) == BTF_KIND_VOLATILE))
		type = btf->types[type->type];
	return type;
}

/* In bit fields (kind_flag) the upper 8 bits of the offset are the width. */
static ptrdiff_t member_offset(const struct btf_type *type, const struct btf_member *member)
{
	return (BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset) / 8;
}

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *type, const char *name,
					    size_t n)
{
	const struct btf_member *members = (const void *)(type + 1);

	for (size_t i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const char *own = btf->strings + members[i].name_off;
		if (strlen(own) == n && strncmp(own, name, n) == 0)
			return &members[i];
	}
	return NULL;
}

int btf_offset(const struct btf *btf, const char *structure, const char *member, ptrdiff_t *ret_offset, struct err *err)
{
	const struct btf_type *type = btf->types[find(btf, BTF_KIND_STRUCT, structure)];
	ptrdiff_t offset = 0;

	for (const char *name = member; type && *name;) {
		size_t n = strcspn(name, ".");
		const struct btf_member *found = find_member(btf, type, name, n);
		offset += found ? member_offset(type, found) : 0;
		type = found ? resolve(btf, found->type) : NULL;
		name += n + (name[n] == '.');
	}
	if (!type)
		return err_say(err, ERR_SYSTEM, "this kernel's struct %s has no member %s", structure, member);
	*ret_offset = offset;
	return 0;
}
