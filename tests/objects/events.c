/* Descriptors that tell of events: eventfd, signalfd, timerfd, pidfd, and epoll over some of them. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define COUNT 4711
#define VALUE 815 /* that a queued signal carries */
#define EVENT_SIGNAL (SIGRTMIN + 3)
#define INTERVAL (50 * MS)
#define TICKS 6
#define FAR (100000 * SECOND)

static bool prepare_eventfd(struct held *held)
{
	held->fd[0] = eventfd(COUNT, EFD_CLOEXEC | EFD_NONBLOCK);
	return ok(held, held->fd[0] >= 0, "eventfd: %m");
}

static bool check_eventfd(struct held *held)
{
	eventfd_t count = 0;

	return ok(held, eventfd_read(held->fd[0], &count) == 0, "read: %m") &&
	       ok(held, eventfd_write(held->fd[0], count) == 0, "write: %m") &&
	       ok(held, count == COUNT, "it counts %lu, not %d", count, COUNT);
}

static bool spoil_eventfd(struct held *held)
{
	return eventfd_write(held->fd[0], 1) == 0;
}

static bool queue_signal(void)
{
	return sigqueue(getpid(), EVENT_SIGNAL, (union sigval){.sival_int = VALUE}) == 0;
}

static bool prepare_signalfd(struct held *held)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, EVENT_SIGNAL);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	held->fd[0] = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return ok(held, held->fd[0] >= 0, "signalfd: %m") && ok(held, queue_signal(), "sigqueue: %m");
}

static bool check_signalfd(struct held *held)
{
	struct signalfd_siginfo info;

	return ok(held, read(held->fd[0], &info, sizeof(info)) == sizeof(info), "no signal is pending: %m") &&
	       ok(held, queue_signal(), "sigqueue: %m") &&
	       ok(held, info.ssi_signo == (uint32_t)EVENT_SIGNAL && info.ssi_int == VALUE && info.ssi_code == SI_QUEUE,
		  "signal %u with %d was pending", info.ssi_signo, info.ssi_int);
}

static bool spoil_signalfd(struct held *held)
{
	struct signalfd_siginfo info;

	return read(held->fd[0], &info, sizeof(info)) == sizeof(info);
}

static bool set_timer(int fd, int64_t first, int64_t interval)
{
	const struct itimerspec set = {
		.it_value = {.tv_sec = first / SECOND, .tv_nsec = first % SECOND},
		.it_interval = {.tv_sec = interval / SECOND, .tv_nsec = interval % SECOND},
	};

	return timerfd_settime(fd, 0, &set, NULL) == 0;
}

static bool prepare_timerfd(struct held *held, int64_t first)
{
	held->fd[0] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	held->since = now(CLOCK_MONOTONIC);
	return ok(held, held->fd[0] >= 0 && set_timer(held->fd[0], first, INTERVAL), "timerfd: %m");
}

/* It has not expired yet. */
static bool prepare_far(struct held *held)
{
	return prepare_timerfd(held, FAR);
}

static bool check_interval(struct held *held, struct itimerspec *ret)
{
	return ok(held, timerfd_gettime(held->fd[0], ret) == 0, "timerfd_gettime: %m") &&
	       ok(held, ret->it_interval.tv_sec == 0 && ret->it_interval.tv_nsec == INTERVAL, "its interval is %ld ns",
		  ret->it_interval.tv_nsec);
}

/* What has passed may or may not include the time of the stop. */
static bool check_far(struct held *held)
{
	struct itimerspec set;
	int64_t passed = now(CLOCK_MONOTONIC) - held->since;

	if (!check_interval(held, &set))
		return false;
	int64_t left = set.it_value.tv_sec * SECOND + set.it_value.tv_nsec;
	return ok(held, left <= FAR && left >= FAR - passed - 5 * SECOND, "%ld s are left of %ld, and %ld have passed",
		  left / SECOND, FAR / SECOND, passed / SECOND);
}

/* It has expired by the time of the stop, and nobody has read that: the kernel starts it anew only then, and shows in
 * /proc/PID/fdinfo that it expires in no time at all, which is what CRIU 4.1 saves, and restores as a timer that is
 * off. */
static bool prepare_periodic(struct held *held)
{
	return prepare_timerfd(held, INTERVAL);
}

/* How often it has expired since it was read; 0: it does not. */
static uint64_t ticks(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	uint64_t times;

	return poll(&wait, 1, 5000) == 1 && read(fd, &times, sizeof(times)) == sizeof(times) ? times : 0;
}

/* Expirations are counted, so a slow machine sees fewer reads and not fewer ticks. */
static bool check_periodic(struct held *held)
{
	struct itimerspec set;
	uint64_t times = 0, more = ticks(held->fd[0]);
	int64_t start = now(CLOCK_MONOTONIC);

	for (; more > 0 && times < TICKS; times += more)
		more = ticks(held->fd[0]);
	int64_t took = now(CLOCK_MONOTONIC) - start;
	return ok(held, more > 0, "it does not go on") && check_interval(held, &set) &&
	       ok(held, took >= (TICKS - 1) * INTERVAL && took < (int64_t)times * INTERVAL + 2 * SECOND,
		  "%lu ticks took %ld ms", times, took / MS);
}

static bool spoil_timerfd(struct held *held)
{
	return set_timer(held->fd[0], 30 * MS, 30 * MS);
}

/* epoll over an eventfd, a timerfd and a pipe: an edge and levels. */
enum { EPOLL, EVENT, TIMER, OUT };

static bool add(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = UINT64_C(0x1234567800000000) + (uint64_t)fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool tells(int epoll, int fd)
{
	struct epoll_event event = {0};

	return epoll_wait(epoll, &event, 1, 2000) == 1 && event.data.u64 == UINT64_C(0x1234567800000000) + (uint64_t)fd;
}

static bool prepare_epoll(struct held *held)
{
	int ends[2];

	if (!ok(held, pipe2(ends, O_CLOEXEC) == 0, "pipe: %m"))
		return false;
	held->id = ends[0];
	held->fd[OUT] = ends[1];
	held->fd[EPOLL] = epoll_create1(EPOLL_CLOEXEC);
	held->fd[EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	held->fd[TIMER] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return ok(held,
		  add(held->fd[EPOLL], held->fd[EVENT], EPOLLIN) &&
			  add(held->fd[EPOLL], held->fd[TIMER], EPOLLIN | EPOLLET) &&
			  add(held->fd[EPOLL], held->id, EPOLLIN),
		  "epoll: %m");
}

static bool check_epoll(struct held *held)
{
	eventfd_t count;
	uint64_t times;
	int epoll = held->fd[EPOLL];
	struct epoll_event event;

	int n = epoll_wait(epoll, &event, 1, 0);
	if (!ok(held, n == 0, "it tells of something that did not happen"))
		return false;
	eventfd_write(held->fd[EVENT], 1);
	bool done = ok(held, tells(epoll, held->fd[EVENT]), "it does not tell of the eventfd");
	eventfd_read(held->fd[EVENT], &count);

	set_timer(held->fd[TIMER], MS, 0);
	done = done && ok(held, tells(epoll, held->fd[TIMER]), "it does not tell of the timerfd");
	done = done && ok(held, read(held->fd[TIMER], &times, sizeof(times)) == sizeof(times), "read the timerfd: %m");

	return done && ok(held, put(held->fd[OUT], "x") && tells(epoll, held->id), "it does not tell of the pipe") &&
	       ok(held, get(held->id, "x"), "read the pipe: %m");
}

static bool spoil_epoll(struct held *held)
{
	return epoll_ctl(held->fd[EPOLL], EPOLL_CTL_DEL, held->id, NULL) == 0;
}

static bool prepare_pidfd(struct held *held)
{
	held->pid = child();
	if (held->pid == 0)
		for (;;)
			pause();
	held->fd[0] = pidfd_open(held->pid, 0);
	return ok(held, held->fd[0] >= 0, "pidfd_open: %m");
}

/* It ends the child that it is of, tells of its end, and the next check has a new one. */
static bool check_pidfd(struct held *held)
{
	struct pollfd poll_for = {.fd = held->fd[0], .events = POLLIN};

	bool done = ok(held, poll(&poll_for, 1, 0) == 0, "it tells of an end that was not") &&
		    ok(held, pidfd_send_signal(held->fd[0], SIGKILL, NULL, 0) == 0, "send a signal: %m") &&
		    ok(held, poll(&poll_for, 1, 5000) == 1, "it does not tell of the end");
	end_child(held->pid);
	close(held->fd[0]);
	return prepare_pidfd(held) && done;
}

static bool spoil_pidfd(struct held *held)
{
	end_child(held->pid);
	return true;
}

struct kinds events_kinds(void)
{
	static const struct kind list[] = {
		{"eventfd", prepare_eventfd, check_eventfd, spoil_eventfd},
		{"signalfd", prepare_signalfd, check_signalfd, spoil_signalfd},
		{"timerfd", prepare_far, check_far, spoil_timerfd},
		{"timerfd-periodic", prepare_periodic, check_periodic, spoil_timerfd},
		{"epoll", prepare_epoll, check_epoll, spoil_epoll},
		{"pidfd", prepare_pidfd, check_pidfd, spoil_pidfd},
	};
	return (struct kinds){list, countof(list)};
}
