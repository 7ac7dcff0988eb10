/* Messages follow one another at multiples of 4 bytes, and so do the attributes in them, however deep they are nested:
 * at every place that an attribute can have, what would be its word is looked up in a table, so that nobody needs to
 * know what is nested in what, but for the outermost. What is looked at is the copy that the kernel works on, not the
 * sender's memory. */
#include "quota/netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "quota/bpf.h"
#include "quota/btf.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

/* What a word is found by, without padding, and what is found. */
struct key {
	uint16_t protocol, attribute;
	uint32_t nested;
	char word[NETLINK_WORD];
};

struct value {
	uint32_t leave, message;
};

/* Registers: the socket's protocol, what is sent on it, and the place that is looked at. */
enum { PROTOCOL = BPF_REG_6, DATA = BPF_REG_7, LENGTH = BPF_REG_8, PLACE = BPF_REG_9, SOME = BPF_REG_3 };

/* On the stack. */
enum {
	KEY = -(int)sizeof(struct key),
	WORD = KEY + (int)offsetof(struct key, word),
	HEAD = KEY - 8,	     /* the first bytes at the place: a header, if one is there */
	NEXT = HEAD - 8,     /* the place of the next message */
	OUTER = NEXT - 8,    /* that of the next attribute that is in no other one */
	MESSAGE = OUTER - 8, /* the type of the message */
	LEAVE = MESSAGE - 8, /* bits: everywhere, and those at home if we are there */
};

#define SHORTEST (NLA_HDRLEN + 2) /* attribute with a word in it */

/* Where the running kernel has what the program looks at. */
struct places {
	ptrdiff_t sk_protocol, sk_net, net_inum, skb_data, skb_len;
};

static int find_places(const struct btf *btf, struct places *ret, struct err *err)
{
	int r;

	if ((r = btf_offset(btf, "sock", "sk_protocol", &ret->sk_protocol, err)) < 0 ||
	    (r = btf_offset(btf, "sock", "__sk_common.skc_net.net", &ret->sk_net, err)) < 0 ||
	    (r = btf_offset(btf, "net", "ns.inum", &ret->net_inum, err)) < 0 ||
	    (r = btf_offset(btf, "sk_buff", "data", &ret->skb_data, err)) < 0)
		return r;
	return btf_offset(btf, "sk_buff", "len", &ret->skb_len, err);
}

/* The hook's arguments are the socket, here in DATA, and the buffer, in PLACE. */
static void add_arguments(struct bpf_program *program, const struct places *places)
{
	bpf_read(program, BPF_DW, DATA, BPF_REG_1, 0);
	bpf_read(program, BPF_DW, PLACE, BPF_REG_1, sizeof(uint64_t));
	bpf_read(program, BPF_H, PROTOCOL, DATA, places->sk_protocol);
	bpf_read(program, BPF_W, LENGTH, PLACE, places->skb_len);
}

static void add_leave(struct bpf_program *program, const struct places *places, int storage)
{
	struct bpf_jumps abroad = {0};

	bpf_own_value(program, storage);
	bpf_read(program, BPF_W, BPF_REG_5, BPF_REG_0, offsetof(struct netlink_leave, everywhere));
	bpf_read(program, BPF_DW, SOME, DATA, places->sk_net);
	bpf_read(program, BPF_W, SOME, SOME, places->net_inum);
	bpf_read(program, BPF_W, BPF_REG_4, BPF_REG_0, offsetof(struct netlink_leave, home));
	bpf_jump_with(program, BPF_JNE, SOME, BPF_REG_4, &abroad);
	bpf_read(program, BPF_W, BPF_REG_4, BPF_REG_0, offsetof(struct netlink_leave, at_home));
	bpf_compute_with(program, BPF_OR, BPF_REG_5, BPF_REG_4);
	bpf_land(program, &abroad);
	bpf_write(program, BPF_DW, BPF_REG_10, LEAVE, BPF_REG_5);
}

static void add_start(struct bpf_program *program, const struct places *places, int storage)
{
	add_arguments(program, places);
	add_leave(program, places, storage);
	bpf_read(program, BPF_DW, DATA, PLACE, places->skb_data);
	bpf_compute(program, BPF_MOV, PLACE, 0);
	bpf_write(program, BPF_DW, BPF_REG_10, NEXT, PLACE);
	bpf_write(program, BPF_DW, BPF_REG_10, OUTER, PLACE);
	bpf_write(program, BPF_DW, BPF_REG_10, MESSAGE, PLACE);
	bpf_write(program, BPF_H, BPF_REG_10, KEY + (ptrdiff_t)offsetof(struct key, protocol), PROTOCOL);
}

/* Read from the place, `skip` bytes on, to the stack. The number of bytes is in BPF_REG_2. What lies behind the end may
 * come along and does not matter: a buffer is followed by the kernel's own notes on it. */
static void add_read(struct bpf_program *program, ptrdiff_t to, int32_t skip, enum bpf_func_id how)
{
	bpf_compute_with(program, BPF_MOV, BPF_REG_1, BPF_REG_10);
	bpf_compute(program, BPF_ADD, BPF_REG_1, (int32_t)to);
	bpf_compute_with(program, BPF_MOV, BPF_REG_3, DATA);
	bpf_compute_with(program, BPF_ADD, BPF_REG_3, PLACE);
	bpf_compute(program, BPF_ADD, BPF_REG_3, skip);
	bpf_call(program, how);
}

static void add_head(struct bpf_program *program, struct bpf_jumps *end)
{
	bpf_compute_with(program, BPF_MOV, SOME, PLACE);
	bpf_compute(program, BPF_ADD, SOME, SHORTEST);
	bpf_jump_with(program, BPF_JGT, SOME, LENGTH, end);
	bpf_compute(program, BPF_MOV, BPF_REG_2, 8);
	add_read(program, HEAD, 0, BPF_FUNC_probe_read_kernel);
}

/* SOME, a length, becomes the place where the next thing begins. */
static void add_next(struct bpf_program *program)
{
	bpf_compute(program, BPF_ADD, SOME, NLA_ALIGNTO - 1);
	bpf_compute(program, BPF_AND, SOME, -NLA_ALIGNTO);
	bpf_compute_with(program, BPF_ADD, SOME, PLACE);
}

/* The messages that we know have another header of 4 bytes (struct nfgenmsg) or 16 (struct ifinfomsg) after their own.
 */
static void add_first(struct bpf_program *program)
{
	struct bpf_jumps netfilter = {0};

	bpf_compute_with(program, BPF_MOV, SOME, PLACE);
	bpf_compute(program, BPF_ADD, SOME, NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	bpf_jump32(program, BPF_JEQ, PROTOCOL, NETLINK_NETFILTER, &netfilter);
	bpf_compute(program, BPF_ADD, SOME, sizeof(struct ifinfomsg) - sizeof(struct nfgenmsg));
	bpf_land(program, &netfilter);
	bpf_write(program, BPF_DW, BPF_REG_10, OUTER, SOME);
}

/* The word of the key becomes empty. */
static void add_no_word(struct bpf_program *program)
{
	bpf_compute(program, BPF_MOV, SOME, 0);
	for (ptrdiff_t at = WORD; at < WORD + NETLINK_WORD; at += 8)
		bpf_write(program, BPF_DW, BPF_REG_10, at, SOME);
}

/* If the message is too short for its own header, the kernel, too, looks no further. */
static void add_message(struct bpf_program *program, struct bpf_jumps *end)
{
	bpf_read(program, BPF_W, SOME, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlmsghdr, nlmsg_len));
	bpf_jump32(program, BPF_JLT, SOME, NLMSG_HDRLEN, end);
	add_next(program);
	bpf_write(program, BPF_DW, BPF_REG_10, NEXT, SOME);
	add_first(program);
	bpf_read(program, BPF_H, SOME, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlmsghdr, nlmsg_type));
	bpf_write(program, BPF_DW, BPF_REG_10, MESSAGE, SOME);

	add_no_word(program);
	bpf_write(program, BPF_H, BPF_REG_10, KEY + (ptrdiff_t)offsetof(struct key, attribute), SOME);
	bpf_write(program, BPF_W, BPF_REG_10, KEY + (ptrdiff_t)offsetof(struct key, nested), SOME);
	bpf_read(program, BPF_DW, SOME, BPF_REG_10, MESSAGE);
	bpf_compute(program, BPF_RSH, SOME, 8);
	bpf_write(program, BPF_B, BPF_REG_10, WORD, SOME);
}

/* Is it an attribute in no other one? Then the next such begins after it. */
static void add_depth(struct bpf_program *program)
{
	struct bpf_jumps nested = {0};

	bpf_compute(program, BPF_MOV, BPF_REG_4, 1);
	bpf_read(program, BPF_DW, SOME, BPF_REG_10, OUTER);
	bpf_jump_with(program, BPF_JNE, SOME, PLACE, &nested);
	bpf_read(program, BPF_H, SOME, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlattr, nla_len));
	add_next(program);
	bpf_write(program, BPF_DW, BPF_REG_10, OUTER, SOME);
	bpf_compute(program, BPF_MOV, BPF_REG_4, 0);
	bpf_land(program, &nested);
	bpf_write(program, BPF_W, BPF_REG_10, KEY + (ptrdiff_t)offsetof(struct key, nested), BPF_REG_4);
}

/* As much as there is, to the first byte 0 as the kernel reads it, and room for one. */
static void add_text(struct bpf_program *program)
{
	struct bpf_jumps fits = {0};

	bpf_read(program, BPF_H, BPF_REG_2, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlattr, nla_len));
	bpf_compute(program, BPF_SUB, BPF_REG_2, NLA_HDRLEN - 1);
	bpf_jump32(program, BPF_JLE, BPF_REG_2, NETLINK_WORD, &fits);
	bpf_compute(program, BPF_MOV, BPF_REG_2, NETLINK_WORD);
	bpf_land(program, &fits);
	add_read(program, WORD, NLA_HDRLEN, BPF_FUNC_probe_read_kernel_str);
}

static void add_number(struct bpf_program *program)
{
	struct bpf_jumps text = {0};

	bpf_read(program, BPF_B, SOME, BPF_REG_10, WORD);
	bpf_jump32(program, BPF_JNE, SOME, 0, &text);
	bpf_compute(program, BPF_MOV, BPF_REG_2, sizeof(uint32_t));
	add_read(program, WORD, NLA_HDRLEN, BPF_FUNC_probe_read_kernel);
	bpf_land(program, &text);
}

static void add_attribute(struct bpf_program *program, struct bpf_jumps *none)
{
	add_depth(program);
	bpf_read(program, BPF_H, SOME, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlattr, nla_len));
	bpf_jump32(program, BPF_JLT, SOME, SHORTEST, none);
	bpf_read(program, BPF_H, SOME, BPF_REG_10, HEAD + (ptrdiff_t)offsetof(struct nlattr, nla_type));
	bpf_compute32(program, BPF_AND, SOME, (uint16_t)NLA_TYPE_MASK);
	bpf_write(program, BPF_H, BPF_REG_10, KEY + (ptrdiff_t)offsetof(struct key, attribute), SOME);
	add_no_word(program);
	add_text(program);
	add_number(program);
}

/* The end, if the key is that of a word for which there is no leave. */
static void add_verdict(struct bpf_program *program, int table)
{
	struct bpf_jumps allowed = {0}, refused = {0};

	bpf_compute_with(program, BPF_MOV, BPF_REG_2, BPF_REG_10);
	bpf_compute(program, BPF_ADD, BPF_REG_2, KEY);
	bpf_look_up(program, table);
	bpf_jump(program, BPF_JEQ, BPF_REG_0, 0, &allowed);
	bpf_read(program, BPF_W, SOME, BPF_REG_0, offsetof(struct value, leave));
	bpf_read(program, BPF_DW, BPF_REG_4, BPF_REG_10, LEAVE);
	bpf_jump_with(program, BPF_JSET, SOME, BPF_REG_4, &allowed);
	bpf_read(program, BPF_W, SOME, BPF_REG_0, offsetof(struct value, message));
	bpf_jump(program, BPF_JEQ, SOME, 0, &refused);
	bpf_read(program, BPF_DW, BPF_REG_4, BPF_REG_10, MESSAGE);
	bpf_jump_with(program, BPF_JNE, SOME, BPF_REG_4, &allowed);
	bpf_land(program, &refused);
	bpf_answer(program, false);
	bpf_land(program, &allowed);
}

static void add_advance(struct bpf_program *program, int32_t bytes, size_t loop)
{
	bpf_compute(program, BPF_ADD, PLACE, bytes);
	bpf_again(program, loop);
}

static void assemble(struct bpf_program *program, const struct places *places, int storage, int table)
{
	struct bpf_jumps end = {0}, endless = {0}, attribute = {0}, none = {0};

	add_start(program, places, storage);
	size_t loop = bpf_loop(program, &endless);
	add_head(program, &end);
	bpf_read(program, BPF_DW, SOME, BPF_REG_10, NEXT);
	bpf_jump_with(program, BPF_JNE, SOME, PLACE, &attribute);

	add_message(program, &end);
	add_verdict(program, table);
	add_advance(program, NLMSG_HDRLEN, loop);

	bpf_land(program, &attribute);
	add_attribute(program, &none);
	add_verdict(program, table);
	bpf_land(program, &none);
	add_advance(program, NLA_ALIGNTO, loop);

	bpf_land(program, &end);
	bpf_answer(program, true);
	bpf_land(program, &endless);
	bpf_answer(program, false);
}

static int make_table(const struct netlink_word *words, size_t n, struct err *err)
{
	cleanup_fd int table = bpf_table(sizeof(struct key), sizeof(struct value), n, "openve_words", err);
	if (table < 0)
		return table;

	for (size_t i = 0; i < n; i++) {
		const struct netlink_word *word = &words[i];
		bool kind = word->attribute == 0;
		struct key key = {word->protocol, word->attribute, word->nested, {0}};
		struct value value = {word->leave, kind ? 0 : word->message};

		memcpy(key.word, word->word, sizeof(key.word));
		if (kind)
			key.word[0] = (char)(word->message >> 8);
		int r = bpf_table_set(table, &key, &value, err);
		if (r < 0)
			return r;
	}
	return steal_fd(&table);
}

static int load(const struct btf *btf, int storage, int table, struct err *err)
{
	struct bpf_place place = {.type = BPF_PROG_TYPE_LSM, .where = BPF_LSM_CGROUP, .name = "openve_netlink"};
	struct bpf_program program = {0};
	struct places places;
	int r;

	if ((r = btf_function(btf, "bpf_lsm_netlink_send", &place.hook, err)) < 0 ||
	    (r = find_places(btf, &places, err)) < 0)
		return r;
	assemble(&program, &places, storage, table);
	r = bpf_load(&program, &place, err);
	free(program.insns);
	return r;
}

/* The program holds the table. */
int netlink_filter_load(const struct btf *btf, const struct netlink_word *words, size_t n, struct netlink_filter *ret,
			struct err *err)
{
	cleanup_fd int storage = bpf_storage(sizeof(struct netlink_leave), "openve_leave", err);
	if (storage < 0)
		return storage;
	cleanup_fd int table = make_table(words, n, err);
	if (table < 0)
		return table;
	int program = load(btf, storage, table, err);
	if (program < 0)
		return program;
	*ret = (struct netlink_filter){.program = program, .storage = steal_fd(&storage)};
	return 0;
}

/* In a group that it is new to it knows of no leave until it is told. */
int netlink_filter_attach(int cgroup_fd, const struct netlink_filter *filter, const struct netlink_leave *leave,
			  struct err *err)
{
	int r = bpf_attach(cgroup_fd, filter->program, BPF_LSM_CGROUP, err);
	return r < 0 ? r : netlink_filter_allow(cgroup_fd, filter, leave, err);
}

int netlink_filter_allow(int cgroup_fd, const struct netlink_filter *filter, const struct netlink_leave *leave,
			 struct err *err)
{
	return bpf_storage_set(filter->storage, cgroup_fd, BPF_LSM_CGROUP, leave, err);
}
