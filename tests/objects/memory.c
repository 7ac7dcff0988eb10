/* A process's own memory: the heap, locked pages, advice, a mapping that grows. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP (1 << 20)
#define PAGE 4096
#define LOCKED (16 * PAGE)
#define HUGE (4 << 20)

static bool prepare_heap(struct held *held)
{
	/* Small pieces come from brk(2), large ones from mmap(2). */
	held->memory = malloc(HEAP);
	if (!ok(held, held->memory != NULL, "malloc: %m"))
		return false;
	pattern_fill(held->memory, HEAP, 4);
	held->since = (int64_t)(intptr_t)sbrk(PAGE);
	pattern_fill((unsigned char *)(intptr_t)held->since, PAGE, 5);
	return true;
}

static bool check_heap(struct held *held)
{
	return ok(held, pattern_is(held->memory, HEAP, 4), "its bytes are others") &&
	       ok(held, pattern_is((unsigned char *)(intptr_t)held->since, PAGE, 5),
		  "other bytes are below the break") &&
	       ok(held, (int64_t)(intptr_t)sbrk(0) >= held->since + PAGE, "the break is lower");
}

static bool spoil_byte(struct held *held)
{
	held->memory[PAGE + 17] ^= 1;
	return true;
}

/* Pages without access, and pages that can only be read, beside the others. */
static bool prepare_protected(struct held *held)
{
	held->memory = map_private(4 * PAGE);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	pattern_fill(held->memory, 4 * PAGE, 6);
	return ok(held, mprotect(held->memory + PAGE, PAGE, PROT_NONE) == 0, "protect: %m") &&
	       ok(held, mprotect(held->memory + 2 * (size_t)PAGE, PAGE, PROT_READ) == 0, "protect: %m");
}

/* The kernel copies instead of this process: EFAULT in the place of a signal. */
static void try_page(unsigned char *page, bool *ret_readable, bool *ret_writable)
{
	int ends[2] = {-1, -1};
	bool there = pipe(ends) == 0;

	*ret_readable = there && write(ends[1], page, 1) == 1;
	/* The same byte comes back. */
	if (!*ret_readable)
		there = there && put(ends[1], "x");
	*ret_writable = there && read(ends[0], page, 1) == 1;
	close(ends[0]);
	close(ends[1]);
}

static bool check_protected(struct held *held)
{
	bool readable[4], writable[4];

	for (size_t i = 0; i < countof(readable); i++)
		try_page(held->memory + i * PAGE, &readable[i], &writable[i]);
	if (!ok(held, !readable[1] && !writable[1], "a page without access can be accessed") ||
	    !ok(held, readable[2], "a page that may be read cannot be") ||
	    !ok(held, !writable[2], "a page that may only be read can be written") ||
	    !ok(held, readable[3] && writable[3], "a page is not accessible"))
		return false;
	mprotect(held->memory + PAGE, PAGE, PROT_READ);
	bool same = ok(held, pattern_is(held->memory, 4 * PAGE, 6), "the bytes are others");
	mprotect(held->memory + PAGE, PAGE, PROT_NONE);
	return same;
}

static bool spoil_protected(struct held *held)
{
	return mprotect(held->memory + PAGE, PAGE, PROT_READ) == 0;
}

static bool prepare_locked(struct held *held)
{
	held->memory = map_private(LOCKED);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	pattern_fill(held->memory, LOCKED, 7);
	return ok(held, mlock(held->memory, LOCKED) == 0, "mlock: %m");
}

static bool check_locked(struct held *held)
{
	return ok(held, map_has_flag(held->memory, "lo"), "it is not locked") &&
	       ok(held, pattern_is(held->memory, LOCKED, 7), "its bytes are others");
}

static bool spoil_locked(struct held *held)
{
	return munlock(held->memory, LOCKED) == 0;
}

static bool prepare_growing(struct held *held)
{
	held->memory = mmap(NULL, LOCKED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	if (!ok(held, held->memory != MAP_FAILED, "mmap: %m"))
		return false;
	pattern_fill(held->memory, LOCKED, 8);
	return true;
}

static bool check_growing(struct held *held)
{
	return ok(held, map_has_flag(held->memory, "gd"), "it does not grow any more") &&
	       ok(held, pattern_is(held->memory, LOCKED, 8), "its bytes are others");
}

static bool prepare_huge(struct held *held)
{
	held->memory = map_private(HUGE);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	if (madvise(held->memory, HUGE, MADV_HUGEPAGE) < 0)
		return skip(held, "this kernel has no huge pages: %m");
	pattern_fill(held->memory, HUGE, 9);
	return ok(held, madvise(held->memory, HUGE, MADV_DONTDUMP) == 0, "advise: %m");
}

static bool check_huge(struct held *held)
{
	return ok(held, map_has_flag(held->memory, "hg"), "the advice for huge pages is forgotten") &&
	       ok(held, map_has_flag(held->memory, "dd"), "it would be in a core file") &&
	       ok(held, pattern_is(held->memory, HUGE, 9), "its bytes are others");
}

static bool spoil_huge(struct held *held)
{
	return madvise(held->memory, HUGE, MADV_NOHUGEPAGE) == 0;
}

/* A child does not get it. */
static bool prepare_kept(struct held *held)
{
	held->memory = map_private(LOCKED);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	pattern_fill(held->memory, LOCKED, 10);
	return ok(held, madvise(held->memory, LOCKED, MADV_DONTFORK) == 0, "advise: %m");
}

static bool is_missing(struct held *held)
{
	return access((const char *)held->memory, F_OK) < 0 && errno == EFAULT;
}

static bool check_kept(struct held *held)
{
	return ok(held, pattern_is(held->memory, LOCKED, 10), "its bytes are others") &&
	       ok(held, in_child(held, is_missing), "a child has it too");
}

static bool spoil_kept(struct held *held)
{
	return madvise(held->memory, LOCKED, MADV_DOFORK) == 0;
}

struct kinds memory_kinds(void)
{
	static const struct kind list[] = {
		{"heap", prepare_heap, check_heap, spoil_byte},
		{"protected", prepare_protected, check_protected, spoil_protected},
		{"locked", prepare_locked, check_locked, spoil_locked},
		{"growing", prepare_growing, check_growing, spoil_byte},
		{"huge", prepare_huge, check_huge, spoil_huge},
		{"kept-from-children", prepare_kept, check_kept, spoil_kept},
	};
	return (struct kinds){list, countof(list)};
}
