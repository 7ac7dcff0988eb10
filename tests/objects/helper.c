/* What kinds of objects have in common: claims, patterns, clocks, children. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define CHUNK 4096
#define FILE_SIZE 65536

bool ok(struct held *held, bool holds, const char *fmt, ...)
{
	int no = errno;
	va_list ap;

	if (holds || held->reason[0])
		return holds;
	va_start(ap, fmt);
	errno = no; /* for %m */
	vsnprintf(held->reason, sizeof(held->reason), fmt, ap);
	va_end(ap);
	return false;
}

bool skip(struct held *held, const char *fmt, ...)
{
	int no = errno;
	va_list ap;

	held->skipped = true;
	va_start(ap, fmt);
	errno = no;
	vsnprintf(held->reason, sizeof(held->reason), fmt, ap);
	va_end(ap);
	return false;
}

static unsigned char pattern_at(size_t place, unsigned seed)
{
	return (unsigned char)((place * 2654435761U + seed * 40503U) >> 11);
}

void pattern_fill(unsigned char *memory, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		memory[i] = pattern_at(i, seed);
}

bool pattern_is(const unsigned char *memory, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (memory[i] != pattern_at(i, seed))
			return false;
	return true;
}

bool pattern_write(int fd, size_t size, unsigned seed)
{
	unsigned char *bytes = malloc(size);
	bool done = bytes != NULL;

	if (done)
		pattern_fill(bytes, size, seed);
	for (size_t at = 0; done && at < size;) {
		ssize_t n = pwrite(fd, bytes + at, size - at, (off_t)at);
		done = n > 0;
		at += done ? (size_t)n : 0;
	}
	free(bytes);
	return done;
}

bool pattern_read(int fd, size_t size, unsigned seed)
{
	unsigned char bytes[CHUNK];
	size_t at = 0;

	while (at < size) {
		ssize_t n = pread(fd, bytes, sizeof(bytes), (off_t)at);
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != pattern_at(at + (size_t)i, seed))
				return false;
		at += (size_t)n;
	}
	return at == size;
}

bool put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool get(int fd, const char *text)
{
	char bytes[512];
	size_t size = strlen(text);

	return size <= sizeof(bytes) && read(fd, bytes, size) == (ssize_t)size && memcmp(bytes, text, size) == 0;
}

static void *map(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void *map_shared(size_t size)
{
	return map(size, MAP_SHARED);
}

void *map_private(size_t size)
{
	return map(size, MAP_PRIVATE);
}

bool map_has_flag(const void *address, const char *flag)
{
	char line[512], wanted[8];
	bool here = false, found = false;
	FILE *smaps = fopen("/proc/self/smaps", "re");

	snprintf(wanted, sizeof(wanted), " %s", flag);
	while (smaps && !found && fgets(line, sizeof(line), smaps)) {
		uintptr_t start, end;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)address && (uintptr_t)address < end;
		found = here && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, wanted);
	}
	if (smaps)
		fclose(smaps);
	return found;
}

int64_t now(int clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void pause_ms(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * MS)};

	nanosleep(&t, NULL);
}

bool grows(volatile const unsigned *counter, unsigned was)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && *counter == was; ms += 10)
		pause_ms(10);
	return *counter > was;
}

pid_t child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

bool in_child(struct held *held, bool (*claim)(struct held *held))
{
	int status;
	pid_t pid = child();

	if (pid == 0)
		_exit(claim(held) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char state_of(pid_t pid)
{
	char path[64], line[512];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t r = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		close(fd);
	n = r > 0 ? (size_t)r : 0;
	line[n] = 0;
	const char *name_end = strrchr(line, ')');
	return name_end && name_end[1] ? name_end[2] : 0;
}

bool becomes(pid_t pid, char state)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && state_of(pid) != state; ms += 10)
		pause_ms(10);
	return state_of(pid) == state;
}

void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

bool file_says(const char *path, const char *words)
{
	char text[FILE_SIZE];
	size_t size = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	/* /proc gives a page at a time. */
	while (size < sizeof(text) - 1 && (n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	close(fd);
	text[size] = 0;
	return strstr(text, words);
}

bool file_write(const char *path, const char *words)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	bool done = put(fd, words);
	return close(fd) == 0 && done;
}
