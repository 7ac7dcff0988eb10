#include "runtime/param.h"

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"

static uint64_t bit(const struct param_table *table, const struct param *row)
{
	return 1ull << (row - table->rows);
}

static uint64_t *given(void *object)
{
	return object;
}

const struct param *param_by_key(const struct param_table *table, const char *key)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(table->rows[i].key, key))
			return &table->rows[i];
	return NULL;
}

const struct param *param_by_option(const struct param_table *table, const char *option)
{
	for (const struct param_alias *a = table->option_aliases; a && a->alias; a++)
		if (str_eq(a->alias, option))
			option = a->name;

	for (size_t i = 0; i < table->n; i++)
		if (table->rows[i].option && str_eq(table->rows[i].option, option))
			return &table->rows[i];
	return NULL;
}

static int parse(const struct param_table *table, const struct param *row, void *object, const char *text,
		 enum param_form form, struct why *why)
{
	int r = value_parse(row, object, text, form, why);
	if (r < 0)
		return r;
	*given(object) |= bit(table, row);
	return 0;
}

int param_parse(const struct param_table *table, const struct param *row, void *object, const char *text,
		enum param_form form, struct err *err)
{
	struct why why;

	int r = parse(table, row, object, text, form, &why);
	if (r < 0)
		return err_say(err, ERR_BAD_VALUE, "Bad parameter for %s%s: %s: %s", row->option ? "--" : "",
			       row->option ? row->option : row->key, text, why.text);
	return 0;
}

char *param_print(const struct param_table *table, const struct param *row, const void *object)
{
	return param_given(table, row, object) ? value_print(row, object) : NULL;
}

bool param_given(const struct param_table *table, const struct param *row, const void *object)
{
	const uint64_t *bits = object;
	return *bits & bit(table, row);
}

bool param_any(const struct param_table *table, unsigned with, const void *object)
{
	for (size_t i = 0; i < table->n; i++)
		if ((table->rows[i].flags & with) == with && param_given(table, &table->rows[i], object))
			return true;
	return false;
}

void param_merge(const struct param_table *table, void *object, const void *from)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct param *row = &table->rows[i];
		if (!param_given(table, row, from))
			continue;
		value_copy(row, object, from);
		*given(object) |= bit(table, row);
	}
}

void param_replace_some(const struct param_table *table, unsigned with, void *object, const void *from)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct param *row = &table->rows[i];
		if ((row->flags & with) != with)
			continue;
		value_done(row, object);
		*given(object) &= ~bit(table, row);
		if (!param_given(table, row, from))
			continue;
		value_copy(row, object, from);
		*given(object) |= bit(table, row);
	}
}

void param_forget(const struct param_table *table, const struct param *row, void *object)
{
	value_done(row, object);
	*given(object) &= ~bit(table, row);
}

void param_done(const struct param_table *table, void *object)
{
	for (size_t i = 0; i < table->n; i++)
		param_forget(table, &table->rows[i], object);
}

static int load(const struct param_table *table, const struct param *row, void *object, const struct kvfile *file,
		const char *name, struct err *err)
{
	const char *text = kvfile_get(file, row->key);
	struct why why;
	if (!text)
		return 0;

	int r = parse(table, row, object, text, PARAM_FROM_FILE, &why);
	if (r < 0)
		return err_say(err, ERR_BAD_CONFIG, "%s: bad value %s=\"%s\": %s", name, row->key, text, why.text);
	return 0;
}

int param_load(const struct param_table *table, void *object, const struct kvfile *file, const char *name,
	       struct err *err)
{
	return param_load_some(table, 0, 0, object, file, name, err);
}

int param_load_some(const struct param_table *table, unsigned with, unsigned without, void *object,
		    const struct kvfile *file, const char *name, struct err *err)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct param *row = &table->rows[i];
		if ((row->flags & with) != with || row->flags & (without | PARAM_EDIT))
			continue;
		int r = load(table, row, object, file, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void param_store(const struct param_table *table, const void *object, struct kvfile *file)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct param *row = &table->rows[i];
		cleanup_free char *text = row->flags & PARAM_EDIT ? NULL : param_print(table, row, object);
		if (text)
			kvfile_set(file, row->key, text);
	}
}
