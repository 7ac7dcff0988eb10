/* System V's shared memory, semaphores and message queues. */
#include "tests/objects/helper.h"

#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x0b1ec7
#define SIZE 20000

/* One left over from a run before has the key. */
static void remove_old(void)
{
	shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL);
}

static bool prepare_shm(struct held *held)
{
	remove_old();
	held->id = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0640);
	if (!ok(held, held->id >= 0, "shmget: %m"))
		return false;
	held->memory = shmat(held->id, NULL, 0);
	if (!ok(held, held->memory != (void *)-1, "shmat: %m"))
		return false;
	pattern_fill(held->memory, SIZE, 14);
	return true;
}

/* By its number, its key, and where it is attached. */
static bool check_shm(struct held *held)
{
	struct shmid_ds info = {0};
	unsigned char *again = shmat(held->id, NULL, SHM_RDONLY);

	if (!ok(held, again != (void *)-1, "attach it anew: %m"))
		return false;
	bool same = ok(held, pattern_is(again, SIZE, 14), "its bytes are others");
	held->memory[9] ^= 1;
	same = same && ok(held, again[9] == held->memory[9], "what is attached is not the segment");
	held->memory[9] ^= 1;
	shmdt(again);
	shmctl(held->id, IPC_STAT, &info);
	return same && ok(held, shmget(KEY, 0, 0) == held->id, "its key leads to another one") &&
	       ok(held, info.shm_nattch == 1, "it is attached %lu times", info.shm_nattch) &&
	       ok(held, (info.shm_perm.mode & 0777) == 0640, "its mode is %o", info.shm_perm.mode);
}

static bool spoil_shm(struct held *held)
{
	held->memory[12345] ^= 1;
	return true;
}

static bool prepare_sem(struct held *held)
{
	unsigned short values[] = {3, 0, 17};

	held->id = semget(IPC_PRIVATE, countof(values), 0600);
	return ok(held, held->id >= 0, "semget: %m") && ok(held, semctl(held->id, 0, SETALL, values) == 0, "set: %m");
}

static bool check_sem(struct held *held)
{
	unsigned short values[3] = {0};
	struct sembuf take[] = {{.sem_num = 0, .sem_op = -3, .sem_flg = IPC_NOWAIT}};
	struct sembuf give[] = {{.sem_num = 0, .sem_op = 3}};

	return ok(held, semctl(held->id, 0, GETALL, values) == 0, "ask: %m") &&
	       ok(held, values[0] == 3 && values[1] == 0 && values[2] == 17, "they are %d, %d and %d", values[0],
		  values[1], values[2]) &&
	       ok(held, semop(held->id, take, 1) == 0 && semop(held->id, take, 1) < 0 && semop(held->id, give, 1) == 0,
		  "they do not count");
}

static bool spoil_sem(struct held *held)
{
	return semctl(held->id, 2, SETVAL, 18) == 0;
}

struct message {
	long type;
	char text[32];
};

static bool send_message(int queue, long type, const char *text)
{
	struct message message = {.type = type};

	strncpy(message.text, text, sizeof(message.text) - 1);
	return msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT) == 0;
}

static bool next_is(int queue, long type, const char *text)
{
	struct message message;

	return msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT) == sizeof(message.text) &&
	       message.type == type && strcmp(message.text, text) == 0;
}

static bool fill_queue(int queue)
{
	return send_message(queue, 7, "seven") && send_message(queue, 5, "five");
}

static bool prepare_msg(struct held *held)
{
	held->id = msgget(IPC_PRIVATE, 0600);
	return ok(held, held->id >= 0, "msgget: %m") && ok(held, fill_queue(held->id), "send: %m");
}

static bool check_msg(struct held *held)
{
	return ok(held, next_is(held->id, 7, "seven") && next_is(held->id, 5, "five"), "other messages are in it") &&
	       ok(held, fill_queue(held->id), "send: %m");
}

static bool spoil_msg(struct held *held)
{
	return next_is(held->id, 7, "seven");
}

struct kinds ipc_kinds(void)
{
	static const struct kind list[] = {
		{"sysv-shm", prepare_shm, check_shm, spoil_shm},
		{"sysv-sem", prepare_sem, check_sem, spoil_sem},
		{"sysv-msg", prepare_msg, check_msg, spoil_msg},
	};
	return (struct kinds){list, countof(list)};
}
