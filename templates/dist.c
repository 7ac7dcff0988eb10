#include "templates/dist.h"

#include <stdlib.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/treefile.h"

/* vzctl's own scripts leave this in front of their line, and read it again: so do we with theirs. */
#define HOSTS_MARK "# Auto-generated hostname. Please do not remove this comment.\n"

#define LOCALHOST "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"

/* Of which fields of struct dist_names a place speaks. */
enum { HOSTNAME = 1, NAMESERVERS = 2, SEARCHDOMAINS = 4, ROUTED = 8, BRIDGED = 16, SERVICES = 32 };

/* A file, what it speaks of, and how it says it. */
struct place {
	const char *path;
	const char *where; /* only where this is there, too; NULL: everywhere */
	unsigned how;	   /* see treefile_open(); without TREEFILE_MAKE only where there is one already */
	unsigned says;
	int (*edit)(const struct place *place, const struct dist_names *names, const struct treefile *file,
		    struct text *text, struct err *err);
	const char *key; /* of set_key() */
};

static const char *value_of(const struct place *place, const struct dist_names *names)
{
	switch (place->says) {
	case HOSTNAME:
		return names->hostname;
	case NAMESERVERS:
		return names->nameservers;
	case SEARCHDOMAINS:
		return names->searchdomains;
	case ROUTED:
		return names->routed;
	case SERVICES:
		return names->services;
	default:
		return names->bridged;
	}
}

/* Its value is all that the file says. */
static int set_all(const struct place *place, const struct dist_names *names, const struct treefile *file,
		   struct text *text, struct err *err)
{
	(void)file, (void)err;
	text_add(text, "%s\n", value_of(place, names));
	return 0;
}

/* KEY="value" in a file that shells source. */
static int set_key(const struct place *place, const struct dist_names *names, const struct treefile *file,
		   struct text *text, struct err *err)
{
	cleanup_kvfile struct kvfile *assignments = NULL;

	int r = kvfile_parse(place->path, file->text, strlen(file->text), &assignments, err);
	if (r < 0)
		return r;
	kvfile_set(assignments, place->key, value_of(place, names));
	cleanup_free char *all = kvfile_text(assignments);
	text_add(text, "%s", all);
	return 0;
}

/* The end of a line, behind its newline if it has one. */
static const char *line_end(const char *line)
{
	const char *end = strchrnul(line, '\n');
	return *end ? end + 1 : end;
}

/* A last line without newline gets one before another follows it. */
static void end_line(struct text *text)
{
	if (text->len > 0 && text->s[text->len - 1] != '\n')
		text_add(text, "\n");
}

static void add_each(struct text *text, const char *before, const char *list, const char *behind)
{
	for (const char *word = list + strspn(list, " "); *word; word += strspn(word, " ")) {
		size_t len = strcspn(word, " ");
		text_add(text, "%s%.*s%s", before, (int)len, word, behind);
		word += len;
	}
}

/* "10.0.0.1 web.example.com web": the full name first, as hosts(5) has it. */
static void add_host(struct text *text, const struct dist_names *names)
{
	const char *dot = strchr(names->hostname, '.');

	text_add(text, "%s %s", names->address ? names->address : "127.0.1.1", names->hostname);
	if (dot)
		text_add(text, " %.*s", (int)(dot - names->hostname), names->hostname);
	text_add(text, "\n");
}

/* Behind the mark there is the line of the last time, unless somebody has taken it away. */
static const char *behind_host(const char *line)
{
	return *line && !strchr("#\n", *line) ? line_end(line) : line;
}

static int set_host(const struct place *place, const struct dist_names *names, const struct treefile *file,
		    struct text *text, struct err *err)
{
	cleanup_text struct text old = {0};
	(void)place, (void)err;

	text_add(&old, "%s", file->found.st_mode ? file->text : LOCALHOST);
	end_line(&old);
	const char *mark = strstr(old.s, HOSTS_MARK);
	text_add_bytes(text, old.s, mark ? (size_t)(mark - old.s) : old.len);
	text_add(text, HOSTS_MARK);
	add_host(text, names);
	if (mark)
		text_add(text, "%s", behind_host(mark + strlen(HOSTS_MARK)));
	return 0;
}

static bool has_keyword(const char *line, const char *keyword)
{
	const char *after = str_after(line, keyword);
	return after && (*after == ' ' || *after == '\t');
}

/* A line of resolv.conf(5) whose place ours take. */
static bool is_superseded(const char *line, const struct dist_names *names)
{
	return (names->nameservers && has_keyword(line, "nameserver")) ||
	       (names->searchdomains && (has_keyword(line, "search") || has_keyword(line, "domain")));
}

/* A link in place of the file leads to what a resolver daemon makes, systemd-resolved's stub above all. A file of our
 * own in its place is what systemd-resolved then takes its servers from (its man page, "/etc/resolv.conf"), and what a
 * daemon that comes up later does not write over. Search domains alone must not cost the system its name servers. */
static int set_resolver(const struct place *place, const struct dist_names *names, const struct treefile *file,
			struct text *text, struct err *err)
{
	if (S_ISLNK(file->found.st_mode) && !names->nameservers)
		return err_say(err, ERR_SYSTEM,
			       "/%s is a symbolic link, which search domains without name servers do not replace",
			       place->path);

	for (const char *line = file->text; *line; line = line_end(line))
		if (!is_superseded(line, names))
			text_add_bytes(text, line, (size_t)(line_end(line) - line));
	end_line(text);
	if (names->searchdomains)
		text_add(text, "search %s\n", names->searchdomains);
	if (names->nameservers)
		add_each(text, "nameserver ", names->nameservers, "\n");
	return 0;
}

/* systemd-networkd takes what it finds on such an interface for configured: the boot that waits for the network goes
 * on. Unmanaged=yes would leave it waiting before systemd 253. Dropping the link-local address of an Ethernet would be
 * the end of its neighbour discovery; a routed one has none. */
static int set_networkd(const struct place *place, const struct dist_names *names, const struct treefile *file,
			struct text *text, struct err *err)
{
	(void)file, (void)err;
	text_add(text,
		 "# Addresses and routes come from the node.\n"
		 "[Match]\nName=%s\n\n"
		 "[Network]\nKeepConfiguration=yes\nLinkLocalAddressing=%s\nIPv6AcceptRA=no\n",
		 value_of(place, names), place->says == ROUTED ? "no" : "ipv6");
	return 0;
}

static int set_manager_devices(const struct place *place, const struct dist_names *names, const struct treefile *file,
			       struct text *text, struct err *err)
{
	(void)place, (void)file, (void)err;
	text_add(text, "# Addresses and routes come from the node.\n[keyfile]\nunmanaged-devices+=");
	if (names->routed)
		add_each(text, "interface-name:", names->routed, ";");
	if (names->bridged)
		add_each(text, "interface-name:", names->bridged, ";");
	text_add(text, "\n");
	return 0;
}

/* With no connection of its own NetworkManager would empty /etc/resolv.conf. */
static int set_manager_resolver(const struct place *place, const struct dist_names *names, const struct treefile *file,
				struct text *text, struct err *err)
{
	(void)place, (void)names, (void)file, (void)err;
	text_add(text, "# /etc/resolv.conf comes from the node.\n[main]\ndns=none\n");
	return 0;
}

#define ALWAYS TREEFILE_MAKE

/* KeepConfiguration= is younger (systemd 243) than the rest of networkd, which would drop all addresses without it:
 * this one came right after it (245). Programs of /usr/lib are found in /lib, too, be it a link or not. */
#define NETWORKD "lib/systemd/systemd-network-generator"
#define SYSTEMD "lib/systemd/systemd"
#define NETWORK_MANAGER "etc/NetworkManager"

/* clang-format off */
static const struct place places[] = {
	/* systemd everywhere; OpenRC; Debian before it */
	{"etc/hostname", NULL, ALWAYS, HOSTNAME, set_all, NULL},
	/* SUSE, Slackware */
	{"etc/HOSTNAME", NULL, 0, HOSTNAME, set_all, NULL},
	/* Gentoo */
	{"etc/conf.d/hostname", NULL, 0, HOSTNAME, set_key, "hostname"},
	/* Red Hat before systemd; a directory on SUSE */
	{"etc/sysconfig/network", NULL, 0, HOSTNAME, set_key, "HOSTNAME"},
	{"etc/hosts", NULL, ALWAYS, HOSTNAME, set_host, NULL},

	{"etc/resolv.conf", NULL, ALWAYS | TREEFILE_UNLINK, NAMESERVERS | SEARCHDOMAINS, set_resolver, NULL},
	/* Debian's resolvconf, openresolv, SUSE's netconfig: what they make resolv.conf from */
	{"etc/resolvconf/resolv.conf.d/base", NULL, 0, NAMESERVERS | SEARCHDOMAINS, set_resolver, NULL},
	{"etc/resolvconf.conf", NULL, 0, NAMESERVERS, set_key, "name_servers"},
	{"etc/resolvconf.conf", NULL, 0, SEARCHDOMAINS, set_key, "search_domains"},
	{"etc/sysconfig/network/config", NULL, 0, NAMESERVERS, set_key, "NETCONFIG_DNS_STATIC_SERVERS"},
	{"etc/sysconfig/network/config", NULL, 0, SEARCHDOMAINS, set_key, "NETCONFIG_DNS_STATIC_SEARCHLIST"},
	{"run/NetworkManager/conf.d/05-openve-resolver.conf", NETWORK_MANAGER, ALWAYS, NAMESERVERS, set_manager_resolver, NULL},

	/* In front of what netplan and distributions name 10-… and later */
	{"run/systemd/network/05-openve-routed.network", NETWORKD, ALWAYS, ROUTED, set_networkd, NULL},
	{"run/systemd/network/05-openve-bridged.network", NETWORKD, ALWAYS, BRIDGED, set_networkd, NULL},
	/* What a system or its owner says of services, in /etc or by a later name, has the last word. */
	{"run/systemd/system/service.d/05-openve.conf", SYSTEMD, ALWAYS, SERVICES, set_all, NULL},

	{"run/NetworkManager/conf.d/05-openve-devices.conf", NETWORK_MANAGER, ALWAYS, ROUTED | BRIDGED, set_manager_devices, NULL},
};
/* clang-format on */

static unsigned given_in(const struct dist_names *names)
{
	return (names->hostname ? HOSTNAME : 0u) | (names->nameservers ? NAMESERVERS : 0u) |
	       (names->searchdomains ? SEARCHDOMAINS : 0u) | (names->routed ? ROUTED : 0u) |
	       (names->bridged ? BRIDGED : 0u) | (names->services ? SERVICES : 0u);
}

static int write_place(int root, const struct place *place, const struct dist_names *names, struct err *err)
{
	cleanup_treefile struct treefile file = {.dir = -1};
	cleanup_text struct text text = {0};

	int r = treefile_open(root, place->path, place->how, &file, err);
	if (r == -ENOENT && err->kind == ERR_NONE)
		return 0;
	if (r == 0)
		r = place->edit(place, names, &file, &text, err);
	return r < 0 ? r : treefile_write(&file, text.s, err);
}

int dist_write(int root, const struct dist_names *names, struct err *err)
{
	unsigned given = given_in(names);
	int first = 0;

	for (size_t i = 0; i < countof(places); i++) {
		const struct place *place = &places[i];
		struct err reason = {0};
		if (!(place->says & given) || (place->where && !treefile_exists(root, place->where)))
			continue;
		int r = write_place(root, place, names, &reason);
		if (r < 0 && first == 0) {
			*err = reason;
			first = r;
		}
	}
	return first;
}

void dist_names_done(struct dist_names *names)
{
	free(names->hostname);
	free(names->address);
	free(names->nameservers);
	free(names->searchdomains);
	free(names->routed);
	free(names->bridged);
	free(names->services);
	*names = (struct dist_names){0};
}
