#include "runtime/value.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/amount.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value_kind.h"

int why_not(struct why *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const void *value_field(const struct param *row, const void *object)
{
	return (const char *)object + row->offset;
}

/* ---- texts ---- */

int value_set_text(void *field, const char *text)
{
	char **s = field;
	free(*s);
	*s = text && text[0] ? mem_strdup(text) : NULL;
	return 0;
}

static int parse_text(const struct input *in, void *field, struct why *why)
{
	if (strchr(in->text, '\n'))
		return why_not(why, "a value is one line");
	return value_set_text(field, in->text);
}

/* A name is also the name of a link in /etc/vz/names. */
static int parse_name(const struct input *in, void *field, struct why *why)
{
	for (const char *c = in->text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(" -+_.", *c))
			return why_not(why, "a name is made of letters, digits, spaces and - + _ .");
	if (in->text[0] == '.' || strlen(in->text) > NAME_MAX)
		return why_not(why, "this cannot be the name of a visible file, as a name must");
	return value_set_text(field, in->text);
}

static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	return true;
}

bool value_is_hostname(const char *text)
{
	for (;; text++) {
		size_t len = strcspn(text, ".");
		if (!is_label(text, len))
			return false;
		text += len;
		if (!*text)
			return true;
	}
}

static int parse_hostname(const struct input *in, void *field, struct why *why)
{
	if (strlen(in->text) > HOST_NAME_MAX)
		return why_not(why, "the kernel keeps host names of up to %d characters", HOST_NAME_MAX);
	if (in->text[0] && !value_is_hostname(in->text))
		return why_not(why, "a host name is letters, digits and hyphens between dots (RFC 1123)");
	return value_set_text(field, in->text);
}

/* `..` would reach out of what was meant, any `$` but the CTID's would mean one thing to us, another to a shell. */
static const char *path_fault(const char *path)
{
	if (path[0] != '/')
		return "a path begins with /";
	if (path[strspn(path, "/")] == '\0')
		return "the root directory of the node is no place for it";
	if (strlen(path) >= PATH_MAX)
		return "the path is too long";
	if (strchr(path, '\n'))
		return "a value is one line";
	if (strstr(path, "/../") || str_ends(path, "/.."))
		return "a path does without ..";
	for (const char *dollar = path; (dollar = strchr(dollar, '$')); dollar++)
		if (!str_after(dollar, "$VEID") && !str_after(dollar, "${VEID}"))
			return "the only variable in a path is $VEID";
	return NULL;
}

static int parse_path(const struct input *in, void *field, struct why *why)
{
	const char *fault = path_fault(in->text);
	if (fault)
		return why_not(why, "%s", fault);

	cleanup_free char *path = mem_strdup(in->text);
	for (size_t n = strlen(path); path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return value_set_text(field, path);
}

static int parse_digest(const struct input *in, void *field, struct why *why)
{
	if (strlen(in->text) != 64 || strspn(in->text, "0123456789abcdef") != 64)
		return why_not(why, "a digest is 64 hexadecimal digits");
	return value_set_text(field, in->text);
}

static char *print_text(const struct param *row, const void *object)
{
	const char *const *s = value_field(row, object);
	return mem_strdup(*s ? *s : "");
}

/* ---- choices ---- */

static int parse_bool(const struct input *in, void *field, struct why *why)
{
	bool yes = str_eq(in->text, "yes");
	if (!yes && !str_eq(in->text, "no"))
		return why_not(why, "must be yes or no");
	*(bool *)field = yes;
	return 0;
}

static char *print_bool(const struct param *row, const void *object)
{
	const bool *yes = value_field(row, object);
	return mem_strdup(*yes ? "yes" : "no");
}

static const char *resolve(const struct param_alias *aliases, const char *word)
{
	for (; aliases && aliases->alias; aliases++)
		if (str_eq(aliases->alias, word))
			return aliases->name;
	return word;
}

static int refuse_word(const char *const *words, struct why *why)
{
	cleanup_text struct text list = {0};
	for (size_t i = 0; words[i]; i++)
		text_add(&list, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return why_not(why, "must be %s", list.s);
}

static int parse_word(const struct input *in, void *field, struct why *why)
{
	const char *const *words = in->row->words;
	const char *wanted = resolve(in->row->word_aliases, in->text);

	for (unsigned i = 0; words[i]; i++) {
		if (!str_eq(words[i], wanted))
			continue;
		*(unsigned *)field = i;
		return 0;
	}
	return refuse_word(words, why);
}

static char *print_word(const struct param *row, const void *object)
{
	const unsigned *word = value_field(row, object);
	return mem_strdup(row->words[*word]);
}

/* ---- numbers ---- */

static int read_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct why *why)
{
	uint64_t n = 0;
	int r = str_u64(text, &n);
	if (r == -EINVAL)
		return why_not(why, "not a number");
	if (r < 0 || n < min || n > max)
		return why_not(why, "must be %ju to %ju", min, max);
	*ret = n;
	return 0;
}

static int parse_count(const struct input *in, void *field, struct why *why)
{
	return read_count(in->text, in->row->min, in->row->max, field, why);
}

/* A share of the whole node becomes a share of one CPU, by the CPUs there are now: that is what vzctl saves. */
static int parse_cpulimit(const struct input *in, void *field, struct why *why)
{
	if (!str_ends(in->text, "%"))
		return parse_count(in, field, why);

	cleanup_free char *digits = str_fmt("%.*s", (int)strlen(in->text) - 1, in->text);
	uint64_t percent;
	int r = read_count(digits, 0, 100, &percent, why);
	if (r < 0)
		return r;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	*(uint64_t *)field = percent * (cpus > 0 ? (uint64_t)cpus : 1);
	return 0;
}

static char *print_count(const struct param *row, const void *object)
{
	const uint64_t *n = value_field(row, object);
	return str_fmt("%ju", *n);
}

/* ---- amounts ---- */

static int read_amount(const struct amount_scale *scale, const char *text, uint64_t *ret, struct why *why)
{
	const char *fault = amount_parse(scale, text, ret);
	return fault ? why_not(why, "%s", fault) : 0;
}

static int read_bounds(const struct amount_scale *scale, const char *text, struct bounds *ret, struct why *why)
{
	size_t first_len = strcspn(text, ":");
	cleanup_free char *first = str_fmt("%.*s", (int)first_len, text);
	const char *second = text[first_len] ? text + first_len + 1 : first;
	struct bounds bounds;

	int r = read_amount(scale, first, &bounds.barrier, why);
	if (r < 0)
		return r;
	r = read_amount(scale, second, &bounds.limit, why);
	if (r < 0)
		return r;
	*ret = bounds;
	return 0;
}

static char *print_bounds(const struct bounds *bounds, uint64_t unit)
{
	cleanup_free char *barrier = amount_print(bounds->barrier, unit);
	cleanup_free char *limit = amount_print(bounds->limit, unit);
	return str_fmt("%s:%s", barrier, limit);
}

static int parse_size(const struct input *in, void *field, struct why *why)
{
	static const struct amount_scale scale = {.suffixes = "TGMKPB", .unit = 1, .step = 1};
	return read_amount(&scale, in->text, field, why);
}

/* --ram rounds up to whole pages, PHYSPAGES down, and of its two values only the limit counts: as in vzctl. */
static int parse_memory(const struct input *in, void *field, struct why *why)
{
	static const struct amount_scale bytes = {.suffixes = "TGMKPB", .unit = 1, .step = 1, .no_limit = true};
	static const struct amount_scale pages = {
		.suffixes = "TGMKPB",
		.unit = AMOUNT_PAGE,
		.step = AMOUNT_PAGE,
		.no_limit = true,
	};
	struct bounds bounds;

	int r = in->form == PARAM_FROM_OPTION ? read_amount(&bytes, in->text, &bounds.limit, why)
					      : read_bounds(&pages, in->text, &bounds, why);
	if (r < 0)
		return r;
	if (bounds.limit < in->row->min)
		return why_not(why, "must be %ju bytes or more", in->row->min);
	if (bounds.limit != PARAM_UNLIMITED)
		bounds.limit = (bounds.limit + AMOUNT_PAGE - 1) / AMOUNT_PAGE * AMOUNT_PAGE;
	*(uint64_t *)field = bounds.limit;
	return 0;
}

static char *print_memory(const struct param *row, const void *object)
{
	const uint64_t *n = value_field(row, object);
	struct bounds bounds = {.barrier = 0, .limit = *n};
	return print_bounds(&bounds, AMOUNT_PAGE);
}

static int parse_items(const struct input *in, void *field, struct why *why)
{
	static const struct amount_scale scale = {.suffixes = "TGMK", .unit = 1, .step = 1, .no_limit = true};
	return read_bounds(&scale, in->text, field, why);
}

static char *print_items(const struct param *row, const void *object)
{
	return print_bounds(value_field(row, object), 1);
}

static int parse_space(const struct input *in, void *field, struct why *why)
{
	static const struct amount_scale scale = {
		.suffixes = "TGMKPB",
		.unit = AMOUNT_KIB,
		.step = AMOUNT_KIB,
		.no_limit = true,
	};
	return read_bounds(&scale, in->text, field, why);
}

static char *print_space(const struct param *row, const void *object)
{
	return print_bounds(value_field(row, object), AMOUNT_KIB);
}

/* ---- the kinds ---- */

struct kind {
	value_parse_t *parse;
	value_print_t *print;
	size_t size; /* of the field; 0: a text of its own */
};

static const struct kind kinds[PARAM_KIND_COUNT] = {
	[PARAM_TEXT] = {parse_text, print_text, 0},
	[PARAM_NAME] = {parse_name, print_text, 0},
	[PARAM_HOSTNAME] = {parse_hostname, print_text, 0},
	[PARAM_PATH] = {parse_path, print_text, 0},
	[PARAM_DIGEST] = {parse_digest, print_text, 0},
	[PARAM_BOOL] = {parse_bool, print_bool, sizeof(bool)},
	[PARAM_COUNT] = {parse_count, print_count, sizeof(uint64_t)},
	[PARAM_SIZE] = {parse_size, print_count, sizeof(uint64_t)},
	[PARAM_MEMORY] = {parse_memory, print_memory, sizeof(uint64_t)},
	[PARAM_ITEMS] = {parse_items, print_items, sizeof(struct bounds)},
	[PARAM_SPACE] = {parse_space, print_space, sizeof(struct bounds)},
	[PARAM_CPULIMIT] = {parse_cpulimit, print_count, sizeof(uint64_t)},
	[PARAM_WORD] = {parse_word, print_word, sizeof(unsigned)},
	[PARAM_ADDRESSES] = {value_parse_addresses, print_text, 0},
	[PARAM_NAMESERVERS] = {value_parse_nameservers, print_text, 0},
	[PARAM_GATEWAY] = {value_parse_gateway, print_text, 0},
	[PARAM_GATEWAY6] = {value_parse_gateway6, print_text, 0},
	[PARAM_DOMAINS] = {value_parse_domains, print_text, 0},
	[PARAM_DEVICE] = {value_parse_device, print_text, 0},
	[PARAM_DEVICES] = {value_parse_devices, print_text, 0},
	[PARAM_MAC] = {value_parse_mac, print_text, 0},
	[PARAM_INTERFACES] = {value_parse_interfaces, print_text, 0},
	[PARAM_PORTS] = {value_parse_ports, print_text, 0},
	[PARAM_FEATURES] = {value_parse_features, print_text, 0},
	[PARAM_NETWORKS] = {value_parse_networks, print_text, 0},
	[PARAM_SERVICES] = {value_parse_services, print_text, 0},
	[PARAM_NEIGHBOURS] = {value_parse_neighbours, print_text, 0},
	[PARAM_RATE] = {value_parse_rate, value_print_rate, sizeof(uint64_t)},
};

int value_parse(const struct param *row, void *object, const char *text, enum param_form form, struct why *why)
{
	const struct input in = {.row = row, .text = text, .form = form};
	return kinds[row->kind].parse(&in, (char *)object + row->offset, why);
}

char *value_print(const struct param *row, const void *object)
{
	return kinds[row->kind].print(row, object);
}

void value_copy(const struct param *row, void *object, const void *from)
{
	void *field = (char *)object + row->offset;
	size_t size = kinds[row->kind].size;

	if (size > 0)
		memcpy(field, value_field(row, from), size);
	else
		value_set_text(field, *(const char *const *)value_field(row, from));
}

void value_done(const struct param *row, void *object)
{
	void *field = (char *)object + row->offset;
	size_t size = kinds[row->kind].size;

	if (size > 0)
		memset(field, 0, size);
	else
		value_set_text(field, NULL);
}
