#include "runtime/resolver.h"

#include <fcntl.h>
#include <stdlib.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/ip.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value_kind.h"
#include "runtime/word.h"

#define BLANKS " \t"

void resolver_done(struct resolver *resolver)
{
	free(resolver->nameservers);
	free(resolver->searchdomains);
	free(resolver->skipped);
	*resolver = (struct resolver){0};
}

static void append(char **list, const char *word)
{
	char *longer = *list ? str_fmt("%s %s", *list, word) : mem_strdup(word);
	free(*list);
	*list = longer;
}

/* A VE's loopback is its own, and a link-local address is one of a link of the node's. */
static void add_server(struct resolver *resolver, const char *word)
{
	char text[IP_TEXT];
	struct ip ip;

	if (ip_parse(word, &ip) == 0 && !ip_unusable(&ip))
		append(&resolver->nameservers, ip_print(&ip, text));
	else
		append(&resolver->skipped, word);
}

/* The last `search` or `domain` is the one that counts (resolv.conf(5)); "." is none. */
static void take_domains(struct resolver *resolver, const char *rest)
{
	char *word;

	free(resolver->searchdomains);
	resolver->searchdomains = NULL;
	while ((word = word_next(&rest, BLANKS))) {
		if (value_is_hostname(word))
			append(&resolver->searchdomains, word);
		free(word);
	}
}

static void take_line(struct resolver *resolver, const char *line)
{
	const char *rest = line;
	cleanup_free char *keyword = word_next(&rest, BLANKS);
	cleanup_free char *server = NULL;

	if (!keyword)
		return;
	if (str_eq(keyword, "search") || str_eq(keyword, "domain"))
		take_domains(resolver, rest);
	else if (str_eq(keyword, "nameserver") && (server = word_next(&rest, BLANKS)))
		add_server(resolver, server);
}

static int read_file(int root, const char *path, struct resolver *ret, struct err *err)
{
	cleanup_free char *text = NULL;
	const char *rest;
	char *line;

	int r = io_read_file(root, path, &text, NULL);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, -r, "read /%s", path);
	rest = text;
	while ((line = word_next(&rest, "\n"))) {
		take_line(ret, line);
		free(line);
	}
	return 0;
}

int resolver_read_at(int root, struct resolver *ret, struct err *err)
{
	cleanup_resolver struct resolver own = {0}, daemon = {0};

	int r = read_file(root, "etc/resolv.conf", &own, err);
	if (r == 0 && !own.nameservers)
		r = read_file(root, "run/systemd/resolve/resolv.conf", &daemon, err);
	if (r < 0)
		return r;
	struct resolver *best = daemon.nameservers ? &daemon : &own;
	*ret = *best;
	*best = (struct resolver){0};
	return 0;
}

int resolver_read(struct resolver *ret, struct err *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? err_set(err, errno, "open /") : resolver_read_at(root, ret, err);
}
