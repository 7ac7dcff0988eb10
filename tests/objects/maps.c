/* Mappings that others have too: files, and memory shared with a child. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define SIZE (8 * PAGE)

/* A child that answers in shared memory: what one process writes the other one reads. */
struct talk {
	volatile unsigned asked, answered;
	unsigned char bytes[SIZE - 2 * sizeof(unsigned)];
};

static void answer(struct talk *talk)
{
	for (;;) {
		while (talk->answered == talk->asked)
			pause_ms(5);
		talk->answered = talk->asked;
	}
}

static bool prepare_anonymous(struct held *held)
{
	held->memory = map_shared(SIZE);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	struct talk *talk = (void *)held->memory;
	pattern_fill(talk->bytes, sizeof(talk->bytes), 11);
	held->pid = child();
	if (held->pid == 0)
		answer(talk);
	return ok(held, held->pid > 0, "fork: %m");
}

static bool check_anonymous(struct held *held)
{
	struct talk *talk = (void *)held->memory;
	unsigned was = talk->answered;

	talk->asked = was + 1;
	return ok(held, grows(&talk->answered, was), "the child does not see what is written") &&
	       ok(held, pattern_is(talk->bytes, sizeof(talk->bytes), 11), "its bytes are others");
}

static bool spoil_anonymous(struct held *held)
{
	((struct talk *)(void *)held->memory)->bytes[77] ^= 1;
	return true;
}

static bool map_file(struct held *held, const char *name, int flags)
{
	held->fd[0] = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!ok(held, held->fd[0] >= 0 && pattern_write(held->fd[0], SIZE, 12), "write a file: %m"))
		return false;
	held->memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, held->fd[0], 0);
	return ok(held, held->memory != MAP_FAILED, "mmap: %m");
}

/* Page 2 is written to and the process's own; the others are the file's. */
static bool prepare_private(struct held *held)
{
	if (!map_file(held, "map-private", MAP_PRIVATE))
		return false;
	pattern_fill(held->memory + 2 * (size_t)PAGE, PAGE, 13);
	return true;
}

static bool check_private(struct held *held)
{
	unsigned char *memory = held->memory, was = memory[5 * PAGE], other = was ^ 1;

	if (!ok(held, pattern_is(memory, 2 * PAGE, 12), "the bytes before the page are others") ||
	    !ok(held, pattern_is(memory + 2 * (size_t)PAGE, PAGE, 13), "what was written to the page is not there") ||
	    !ok(held, pattern_read(held->fd[0], SIZE, 12), "what was written to the page is in the file"))
		return false;
	bool follows = pwrite(held->fd[0], &other, 1, 5 * PAGE) == 1 && memory[5 * PAGE] == other;
	return ok(held, pwrite(held->fd[0], &was, 1, 5 * PAGE) == 1, "write: %m") &&
	       ok(held, follows, "a page that was not written to does not follow the file");
}

static bool spoil_map(struct held *held)
{
	held->memory[2 * PAGE] ^= 1;
	return true;
}

static bool prepare_shared(struct held *held)
{
	return map_file(held, "map-shared", MAP_SHARED);
}

static bool check_shared(struct held *held)
{
	unsigned char *memory = held->memory, was = memory[3 * PAGE], seen = 0;

	if (!ok(held, pattern_is(memory, SIZE, 12), "its bytes are others"))
		return false;
	memory[3 * PAGE] = was ^ 1;
	bool follows = pread(held->fd[0], &seen, 1, 3 * PAGE) == 1 && seen == (was ^ 1);
	memory[3 * PAGE] = was;
	return ok(held, follows, "what is written to it does not come into the file");
}

/* A file that has no name any more and is only mapped. */
static bool prepare_nameless(struct held *held)
{
	if (!map_file(held, "map-nameless", MAP_SHARED))
		return false;
	close(held->fd[0]);
	return ok(held, unlink("map-nameless") == 0, "unlink: %m");
}

static bool check_nameless(struct held *held)
{
	return ok(held, pattern_is(held->memory, SIZE, 12), "its bytes are others");
}

struct kinds maps_kinds(void)
{
	static const struct kind list[] = {
		{"map-anonymous", prepare_anonymous, check_anonymous, spoil_anonymous},
		{"map-private", prepare_private, check_private, spoil_map},
		{"map-shared", prepare_shared, check_shared, spoil_map},
		{"map-nameless", prepare_nameless, check_nameless, spoil_map},
	};
	return (struct kinds){list, countof(list)};
}
