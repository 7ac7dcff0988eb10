/* Every line is kept as the bytes it came as, beside the key and value it means. A change rewrites only the value's
 * bytes, so indentation and a comment behind it stay. */
#include "runtime/base/kvfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LINE_MAX_BYTES (64u << 10)

struct line {
	char *text;  /* with its newline, if it has one */
	char *key;   /* NULL: no assignment */
	char *value; /* unquoted */
	size_t head; /* bytes of text up to and with the '=' */
	size_t tail; /* where what stands behind the value begins */
};

struct kvfile {
	struct line *lines;
	size_t n;
};

struct kvfile *kvfile_new(void)
{
	return mem_zero(1, sizeof(struct kvfile));
}

static void line_done(struct line *line)
{
	free(line->text);
	free(line->key);
	free(line->value);
}

void kvfile_free(struct kvfile *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n; i++)
		line_done(&file->lines[i]);
	free(file->lines);
	free(file);
}

static bool is_blank(char c)
{
	return isspace((unsigned char)c);
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Takes the line over. */
static void add_line(struct kvfile *file, struct line line)
{
	file->lines = mem_grow(file->lines, file->n + 1, sizeof(line));
	file->lines[file->n++] = line;
}

static char *substring(const char *from, const char *to)
{
	return str_fmt("%.*s", (int)(to - from), from);
}

/* The readers of a value copy it to `value` and return what stands behind it, NULL if the closing quote is missing. */

static const char *read_double_quoted(const char *p, struct text *value)
{
	for (; *p != '"'; p++) {
		if (*p == '\\' && p[1] && strchr("\"$`\\", p[1]))
			p++;
		if (!*p || *p == '\n')
			return NULL;
		text_add_bytes(value, p, 1);
	}
	return p + 1;
}

static const char *read_single_quoted(const char *p, struct text *value)
{
	size_t n = strcspn(p, "'\n");
	text_add_bytes(value, p, n);
	return p[n] == '\'' ? p + n + 1 : NULL;
}

static const char *read_unquoted(const char *p, struct text *value)
{
	const char *end = p;
	for (const char *c = p; *c; c++) {
		if (*c == '#' && c > p && is_blank(c[-1]))
			break;
		if (!is_blank(*c))
			end = c + 1;
	}

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		text_add_bytes(value, p, 1);
	}
	return end;
}

static const char *read_value(const char *p, struct text *value)
{
	text_add_bytes(value, "", 0);
	if (*p == '"')
		return read_double_quoted(p + 1, value);
	if (*p == '\'')
		return read_single_quoted(p + 1, value);
	return read_unquoted(p, value);
}

/* Is there nothing but blanks and a comment? */
static bool is_rest(const char *p)
{
	bool blank = is_blank(*p);
	while (is_blank(*p))
		p++;
	return !*p || (*p == '#' && blank);
}

/* Find the assignment in line->text. Returns what is wrong with it, NULL if nothing is. */
static const char *parse_line(struct line *line)
{
	const char *key = line->text;
	while (is_blank(*key))
		key++;
	const char *equals = key;
	while (is_key_char(*equals))
		equals++;
	if (*equals != '=' || equals == key || isdigit((unsigned char)*key))
		return NULL;

	cleanup_text struct text value = {0};
	const char *end = read_value(equals + 1, &value);
	if (!end)
		return "the closing quote is missing";
	if (!is_rest(end))
		return "there is text after the closing quote";

	line->key = substring(key, equals);
	line->value = steal_ptr(value.s);
	line->head = (size_t)(equals + 1 - line->text);
	line->tail = (size_t)(end - line->text);
	return NULL;
}

static const char *read_line(struct kvfile *file, const char *bytes, size_t len)
{
	if (len > LINE_MAX_BYTES)
		return "the line is longer than 64 KiB";
	if (memchr(bytes, '\0', len))
		return "there is a NUL byte";

	struct line line = {.text = substring(bytes, bytes + len)};
	const char *wrong = parse_line(&line);
	if (wrong)
		line_done(&line);
	else
		add_line(file, line);
	return wrong;
}

int kvfile_parse(const char *name, const char *text, size_t len, struct kvfile **ret_file, struct err *err)
{
	cleanup_kvfile struct kvfile *file = kvfile_new();

	for (const char *p = text, *end = text + len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *next = newline ? newline + 1 : end;
		const char *wrong = read_line(file, p, (size_t)(next - p));
		if (wrong)
			return err_say(err, ERR_BAD_CONFIG, "%s, line %zu: %s", name, file->n + 1, wrong);
		p = next;
	}

	*ret_file = steal_ptr(file);
	return 0;
}

int kvfile_load(int dirfd, const char *path, struct kvfile **ret_file, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t len;

	int r = io_read_file(dirfd, path, &text, &len);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_set(err, -r, "read %s", path);
	return kvfile_parse(path, text, len, ret_file, err);
}

static struct line *find_last(const struct kvfile *file, const char *key)
{
	for (size_t i = file->n; i-- > 0;) {
		struct line *line = &file->lines[i];
		if (line->key && str_eq(line->key, key))
			return line;
	}
	return NULL;
}

const char *kvfile_get(const struct kvfile *file, const char *key)
{
	const struct line *line = find_last(file, key);
	return line ? line->value : NULL;
}

/* Does the `$` at p begin the one variable that action scripts and vzmigrate set before they source the file? */
static bool is_veid(const char *p)
{
	const char *after = str_after(p, "$VEID");
	return str_after(p, "${VEID}") || (after && !is_key_char(*after));
}

static void add_quoted(struct text *text, const char *value)
{
	text_add(text, "\"");
	for (const char *p = value; *p; p++) {
		if (strchr("\"`\\", *p) || (*p == '$' && !is_veid(p)))
			text_add(text, "\\");
		text_add_bytes(text, p, 1);
	}
	text_add(text, "\"");
}

static char *one_line(const char *value)
{
	char *line = mem_strdup(value);
	for (char *c = line; (c = strchr(c, '\n'));)
		*c = ' ';
	return line;
}

/* Takes the value over. */
static void set_line(struct line *line, char *value)
{
	cleanup_text struct text text = {0};
	text_add_bytes(&text, line->text, line->head);
	add_quoted(&text, value);
	size_t tail = text.len;
	text_add(&text, "%s", line->text + line->tail);

	free(line->text);
	line->text = steal_ptr(text.s);
	line->tail = tail;
	free(line->value);
	line->value = value;
}

/* A last line without newline gets one before another line follows it. */
static void end_last_line(struct kvfile *file)
{
	if (file->n == 0)
		return;
	struct line *last = &file->lines[file->n - 1];
	if (str_ends(last->text, "\n"))
		return;

	char *text = str_fmt("%s\n", last->text);
	free(last->text);
	last->text = text;
}

static struct line *add_assignment(struct kvfile *file, const char *key)
{
	struct line line = {.text = str_fmt("%s=\n", key), .key = mem_strdup(key)};
	line.head = line.tail = strlen(key) + 1;

	end_last_line(file);
	add_line(file, line);
	return &file->lines[file->n - 1];
}

void kvfile_set(struct kvfile *file, const char *key, const char *value)
{
	struct line *line = find_last(file, key);
	if (!line)
		line = add_assignment(file, key);
	else if (str_eq(line->value, value))
		return;
	set_line(line, one_line(value));
}

void kvfile_set_number(struct kvfile *file, const char *key, uint64_t n)
{
	cleanup_free char *text = str_fmt("%ju", (uintmax_t)n);
	kvfile_set(file, key, text);
}

void kvfile_unset(struct kvfile *file, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->n; i++) {
		struct line *line = &file->lines[i];
		if (line->key && str_eq(line->key, key))
			line_done(line);
		else
			file->lines[kept++] = *line;
	}
	file->n = kept;
}

int kvfile_next(const struct kvfile *file, size_t *pos, const char **ret_key, const char **ret_value)
{
	while (*pos < file->n) {
		const struct line *line = &file->lines[(*pos)++];
		if (!line->key)
			continue;
		*ret_key = line->key;
		*ret_value = line->value;
		return 1;
	}
	return 0;
}

char *kvfile_text(const struct kvfile *file)
{
	struct text text = {0};

	text_add_bytes(&text, "", 0);
	for (size_t i = 0; i < file->n; i++)
		text_add(&text, "%s", file->lines[i].text);
	return text.s;
}

int kvfile_save(const struct kvfile *file, int dirfd, const char *path, struct err *err)
{
	cleanup_free char *text = kvfile_text(file);

	int r = io_replace_file(dirfd, path, text, strlen(text), 0644);
	return r < 0 ? err_set(err, -r, "write %s", path) : 0;
}
