/* What a worker says to vzd over its channel, a SOCK_SEQPACKET socket: one message a packet. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/err.h"

enum message_kind {
	MESSAGE_VE,	  /* the operation is about `ctid` */
	MESSAGE_SAY,	  /* `text` for the person at the terminal */
	MESSAGE_WARN,	  /* the same, a warning */
	MESSAGE_PROGRESS, /* `percent` or -1, and `text` */
	MESSAGE_ANSWER,	  /* `text` is JSON: an answer, more come */
	MESSAGE_BORN,	  /* the init of VE `ctid` runs: `fds` are its pidfd and its console */
	MESSAGE_COMMAND,  /* a command runs: `fds` are its pidfd and its pty, if it has one; `text` is its group */
	MESSAGE_DONE,	  /* success; `text` is JSON, the last answer, or "" */
	MESSAGE_FAILED,	  /* `err` */
	MESSAGE_KINDS
};

#define MESSAGE_FDS 2

struct message {
	enum message_kind kind;
	uint32_t ctid;
	int percent;
	int fds[MESSAGE_FDS]; /* -1 where there is none; received ones belong to the receiver */
	struct err err;
	char *text; /* "" where there is none */
};

/* A message without descriptors and text. */
#define MESSAGE_NONE {.fds = {-1, -1}, .text = ""}

/* Close the descriptors and free the text of a received message. */
void message_done(struct message *message);
#define cleanup_message __attribute__((cleanup(message_done)))

/* -EMSGSIZE for a text above MESSAGE_TEXT_MAX. */
#define MESSAGE_TEXT_MAX 131072u
int message_send(int channel, const struct message *message);

/* 1; 0 at the end of the channel; -EAGAIN when nothing has come yet; -EBADMSG for what is no message. */
int message_receive(int channel, struct message *ret);
