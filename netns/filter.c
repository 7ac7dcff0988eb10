/* Admission: what one guest's network adds to the sets, and takes from them. */
#include "netns/filter.h"

#include <string.h>

#include "netns/admission.h"
#include "netns/element.h"
#include "netns/nft.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

static int elements_of(const struct net_guest *guest, struct elements *ret, struct err *err)
{
	cleanup_elements struct elements elements = {0};

	int r = guest ? admission_add_guest(&elements, guest, err) : 0;
	if (r < 0)
		return r;
	elements_sort(&elements);
	*ret = elements;
	elements = (struct elements){0};
	return 0;
}

/* ---- somebody else has it ---- */

/* Whose it is stands in the comment: `10.0.0.1 comment "venet101"`. */
static char *owner_of(const struct element *element)
{
	cleanup_free char *command = str_fmt("get element %s { %s }", element->set->name, element->key);
	cleanup_free char *answer = NULL;
	struct err ignored = {0};

	if (nft_run(PATH_FILTER, command, &answer, &ignored) < 0)
		return NULL;
	const char *owner = strstr(answer, "comment \"");
	if (!owner)
		return NULL;
	owner += strlen("comment \"");
	return str_fmt("%.*s", (int)strcspn(owner, "\""), owner);
}

/* A transaction that failed says which command it was, but not whose the element is. */
static int taken(const struct elements *from, const struct elements *to, struct err *err)
{
	for (size_t i = 0; i < to->n; i++) {
		const struct element *element = &to->list[i];

		if (!element->set->unique || elements_has(from, element))
			continue;
		cleanup_free char *owner = owner_of(element);
		if (!owner)
			continue;
		*err = (struct err){.no = EEXIST};
		return err_say(err, element->set->taken, "%s %s is in use by %s", element->set->unique, element->key,
			       owner);
	}
	return -EEXIST;
}

/* ---- what was learned ---- */

/* The addresses that a port has learned are free again when it goes. They stand in sets that only the kernel fills:
 * `"veth101.0" . 10.0.0.1 timeout 1h expires 59m`, many of them on a line. */
static void forget_learned(struct text *commands, const char *listing, const char *name, const char *family)
{
	cleanup_free char *head = str_fmt("\"%s\" . ", name);

	for (const char *p = strstr(listing, head); p; p = strstr(p, head)) {
		p += strlen(head);
		int len = (int)strspn(p, "0123456789abcdef.:");
		text_add(commands, "destroy element bridge openve taken%s { %.*s }\n", family, len, p);
		text_add(commands, "destroy element bridge openve learned%s { %s%.*s }\n", family, head, len, p);
		text_add(commands, "destroy element bridge openve lease%s { %s%.*s }\n", family, head, len, p);
	}
}

static int forget(struct text *commands, const struct net_interface *interface, struct err *err)
{
	static const char *const families[] = {"4", "6"};

	for (size_t i = 0; i < countof(families); i++) {
		cleanup_free char *command = str_fmt("list set bridge openve learned%s", families[i]);
		cleanup_free char *listing = NULL;

		int r = nft_run(PATH_FILTER, command, &listing, err);
		if (r < 0)
			return r;
		forget_learned(commands, listing, interface->host_name, families[i]);
	}
	return 0;
}

static bool has_interface(const struct net_guest *guest, const char *host_name)
{
	for (size_t i = 0; guest && i < guest->n_interfaces; i++)
		if (str_eq(guest->interfaces[i].host_name, host_name))
			return true;
	return false;
}

static int forget_gone(struct text *commands, const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	for (size_t i = 0; from && i < from->n_interfaces; i++) {
		const struct net_interface *interface = &from->interfaces[i];
		int r = 0;

		if (!interface->routed && interface->bridge[0] && !has_interface(to, interface->host_name))
			r = forget(commands, interface, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the change ---- */

static int add_node(struct text *commands, struct err *err)
{
	cleanup_elements struct elements node = {0};

	int r = admission_add_node(&node, err);
	if (r < 0)
		return r;
	elements_sort(&node);
	elements_print(commands, "add", &node, NULL);
	return 0;
}

int filter_change(const struct net_guest *from, const struct net_guest *to, struct err *err)
{
	cleanup_elements struct elements old = {0}, new = {0};
	cleanup_text struct text commands = {0};
	int r;

	if ((r = elements_of(from, &old, err)) < 0 || (r = elements_of(to, &new, err)) < 0)
		return r;
	r = forget_gone(&commands, from, to, err);
	if (r == 0 && to && admission_learns(to))
		r = add_node(&commands, err);
	elements_print(&commands, "destroy", &old, &new);
	elements_print(&commands, "create", &new, &old);
	if (r == 0 && commands.len > 0)
		r = nft_run(PATH_FILTER, commands.s, NULL, err);

	if (r == -ENOENT && !to) {
		/* There are no tables: nothing is admitted. */
		*err = (struct err){0};
		return 0;
	}
	return r == -EEXIST ? taken(&old, &new, err) : r;
}
