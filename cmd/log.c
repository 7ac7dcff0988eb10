#include "cmd/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "cmd/plain.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/node.h"

/* $JOURNAL_STREAM is the device and inode of the stream that a service was started with (systemd.exec(5)). */
static bool journal_reads(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	cleanup_free char *own = str_fmt("%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return str_eq(stream, own);
}

static void log_line(int priority, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	cleanup_free char *plain = plain_text(text);
	if (journal_reads())
		fprintf(stderr, "<%d>%s\n", priority, plain);
	else
		fprintf(stderr, "vzd: %s\n", plain);
}

void log_error(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(LOG_ERR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(LOG_INFO, fmt, ap);
	va_end(ap);
}

/* One write with O_APPEND is one whole line, whoever else writes to the file. */
static int append(const char *path, const char *line)
{
	const char *slash = strrchr(path, '/');

	if (slash && slash > path) {
		cleanup_free char *dir = str_fmt("%.*s", (int)(slash - path), path);
		int r = io_mkdir_all(AT_FDCWD, dir, 0750);
		if (r < 0)
			return r;
	}
	cleanup_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	return fd < 0 ? -errno : io_write_all(fd, line, strlen(line));
}

/* 2026-11-23T10:00:00+0000 vzctl : CT 101 : started (uid 0) */
static void write_file(const char *path, const char *message)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &tm));
	cleanup_free char *line = str_fmt("%s vzctl : %s\n", stamp, message);
	int r = append(path, line);
	if (r < 0)
		log_warn("cannot write to %s: %s", path, strerror(-r));
}

void log_operation(const struct node_config *node, const struct log_record *record)
{
	cleanup_free char *text = plain_text(record->text);
	cleanup_free char *about = record->ctid ? str_fmt("CT %u : ", record->ctid) : mem_strdup("");
	cleanup_free char *who = record->uid == LOG_NOBODY ? mem_strdup("") : str_fmt(" (uid %u)", record->uid);
	cleanup_free char *message = str_fmt("%s%s%s", about, text, who);

	if (node->logging && node->logfile)
		write_file(node->logfile, message);
	sd_journal_send("MESSAGE=%s", message, "PRIORITY=%i", record->result ? LOG_WARNING : LOG_INFO,
			"SYSLOG_IDENTIFIER=vzctl", "OPENVE_CTID=%u", record->ctid, "OPENVE_VERB=%s", record->verb,
			"OPENVE_UID=%d", (int)record->uid, "OPENVE_RESULT=%d", record->result, NULL);
}
