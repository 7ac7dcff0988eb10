#include "netns/element.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

void elements_add(struct elements *elements, const struct element_set *set, char *key, char *value)
{
	elements->list = mem_grow(elements->list, elements->n + 1, sizeof(*elements->list));
	elements->list[elements->n++] = (struct element){.set = set, .key = key, .value = value};
}

/* Sets stand in one table: their addresses are their order. */
static int compare_keys(const struct element *a, const struct element *b)
{
	if (a->set != b->set)
		return a->set < b->set ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int compare(const void *a, const void *b)
{
	const struct element *left = a, *right = b;
	int order = compare_keys(left, right);

	if (order != 0 || left->set->counts)
		return order;
	return strcmp(left->value, right->value);
}

static void element_done(struct element *element)
{
	free(element->key);
	free(element->value);
}

void elements_sort(struct elements *elements)
{
	size_t kept = 0;

	if (elements->n == 0)
		return;
	qsort(elements->list, elements->n, sizeof(*elements->list), compare);
	for (size_t i = 1; i < elements->n; i++)
		if (compare_keys(&elements->list[kept], &elements->list[i]) == 0)
			element_done(&elements->list[i]);
		else
			elements->list[++kept] = elements->list[i];
	elements->n = kept + 1;
}

bool elements_has(const struct elements *elements, const struct element *element)
{
	return elements->n > 0 &&
	       bsearch(element, elements->list, elements->n, sizeof(*elements->list), compare) != NULL;
}

/* One command for as many as are in one set: { a, b, c }. */
void elements_print(struct text *commands, const char *verb, const struct elements *elements,
		    const struct elements *without)
{
	const struct element_set *set = NULL;
	bool keys_only = str_eq(verb, "destroy");

	for (size_t i = 0; i < elements->n; i++) {
		const struct element *element = &elements->list[i];

		if (without && elements_has(without, element))
			continue;
		if (element->set != set)
			text_add(commands, "%s%s element %s { ", set ? " }\n" : "", verb, element->set->name);
		text_add(commands, "%s%s%s", element->set == set ? ", " : "", element->key,
			 keys_only ? "" : element->value);
		set = element->set;
	}
	if (set)
		text_add(commands, " }\n");
}

void elements_done(struct elements *elements)
{
	for (size_t i = 0; i < elements->n; i++)
		element_done(&elements->list[i]);
	free(elements->list);
	*elements = (struct elements){0};
}
