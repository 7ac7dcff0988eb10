/* `dirty MB RATE` holds so many megabytes that do not compress and overwrites RATE of them each second, one after the
 * other, evenly. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE 4096
#define TICKS 20 /* a second */

static void write_page(uint8_t *memory, size_t page)
{
	static uint64_t state = 88172645463325252;
	uint64_t *words = (uint64_t *)(memory + page * PAGE);

	/* Marsaglia's xorshift. */
	for (size_t i = 0; i < PAGE / sizeof(*words); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[i] = state;
	}
}

int main(int argc, char *argv[])
{
	const struct timespec tick = {.tv_nsec = 1000000000 / TICKS};
	size_t pages = argc == 3 ? strtoul(argv[1], NULL, 10) << 20 >> 12 : 0;
	size_t rate = argc == 3 ? (strtoul(argv[2], NULL, 10) << 20 >> 12) / TICKS : 0;
	uint8_t *memory = pages ? aligned_alloc(PAGE, pages * PAGE) : NULL;

	if (!memory) {
		fputs("usage: dirty MB RATE\n", stderr);
		return 2;
	}
	for (size_t page = 0; page < pages; page++)
		write_page(memory, page);
	puts("ready");
	fflush(stdout);
	for (size_t page = 0;;) {
		for (size_t n = 0; n < rate; n++, page = (page + 1) % pages)
			write_page(memory, page);
		nanosleep(&tick, NULL);
	}
}
