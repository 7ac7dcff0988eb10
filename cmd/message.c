#include "cmd/message.h"

#include <string.h>
#include <sys/socket.h>

#include "runtime/base/io.h"
#include "runtime/base/mem.h"

/* What stands before the text in a packet. The two ends are forks of one program. */
struct head {
	uint32_t kind, ctid;
	int32_t percent;
	uint32_t fds; /* bit i: fds[i] is among those that come along */
	struct err err;
};

void message_done(struct message *message)
{
	for (size_t i = 0; i < MESSAGE_FDS; i++)
		message->fds[i] = fd_close(message->fds[i]);
	free(message->text);
	message->text = NULL;
}

int message_send(int channel, const struct message *message)
{
	size_t len = strlen(message->text), n_fds = 0;
	int fds[MESSAGE_FDS];

	if (len > MESSAGE_TEXT_MAX)
		return -EMSGSIZE;

	struct head head = {
		.kind = message->kind,
		.ctid = message->ctid,
		.percent = message->percent,
		.err = message->err,
	};
	for (uint32_t i = 0; i < MESSAGE_FDS; i++) {
		if (message->fds[i] < 0)
			continue;
		head.fds |= 1u << i;
		fds[n_fds++] = message->fds[i];
	}

	cleanup_free char *packet = mem_zero(1, sizeof(head) + len);
	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), message->text, len);
	return io_send(channel, packet, sizeof(head) + len, fds, n_fds);
}

static int unpack(const char *packet, size_t len, const int *fds, size_t n_fds, struct message *ret)
{
	struct head head;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, packet, sizeof(head));
	if (head.kind >= MESSAGE_KINDS || head.fds >> MESSAGE_FDS || (size_t)__builtin_popcount(head.fds) != n_fds)
		return -EBADMSG;

	struct message message = {
		.kind = (enum message_kind)head.kind,
		.ctid = head.ctid,
		.percent = head.percent,
		.err = head.err,
		.text = mem_zero(1, len - sizeof(head) + 1),
	};
	memcpy(message.text, packet + sizeof(head), len - sizeof(head));
	for (size_t i = 0; i < MESSAGE_FDS; i++)
		message.fds[i] = head.fds & (1u << i) ? *fds++ : -1;
	*ret = message;
	return 1;
}

int message_receive(int channel, struct message *ret)
{
	int fds[IO_MAX_FDS];
	size_t n_fds = 0;

	ssize_t n = recv(channel, NULL, 0, MSG_PEEK | MSG_TRUNC);
	if (n < 0)
		return -errno;
	cleanup_free char *packet = mem_zero(1, (size_t)n);
	n = io_recv(channel, packet, (size_t)n, fds, &n_fds);
	if (n <= 0)
		return (int)n;

	int r = unpack(packet, (size_t)n, fds, n_fds, ret);
	for (size_t i = 0; r < 0 && i < n_fds; i++)
		close(fds[i]);
	return r;
}
