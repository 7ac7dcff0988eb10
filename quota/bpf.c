#include "quota/bpf.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static void add(struct bpf_program *program, struct bpf_insn insn)
{
	program->insns = mem_grow(program->insns, program->n + 1, sizeof(insn));
	program->insns[program->n++] = insn;
}

void bpf_read(struct bpf_program *program, unsigned size, unsigned reg, unsigned from, ptrdiff_t offset)
{
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_LDX | BPF_MEM | size),
			     .dst_reg = reg & 0xf,
			     .src_reg = from & 0xf,
			     .off = (int16_t)offset,
		     });
}

void bpf_write(struct bpf_program *program, unsigned size, unsigned to, ptrdiff_t offset, unsigned reg)
{
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_STX | BPF_MEM | size),
			     .dst_reg = to & 0xf,
			     .src_reg = reg & 0xf,
			     .off = (int16_t)offset,
		     });
}

void bpf_compute(struct bpf_program *program, unsigned operation, unsigned reg, int32_t n)
{
	add(program,
	    (struct bpf_insn){.code = (uint8_t)(BPF_ALU64 | BPF_K | operation), .dst_reg = reg & 0xf, .imm = n});
}

void bpf_compute32(struct bpf_program *program, unsigned operation, unsigned reg, uint32_t n)
{
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_ALU | BPF_K | operation),
			     .dst_reg = reg & 0xf,
			     .imm = (int32_t)n,
		     });
}

void bpf_compute_with(struct bpf_program *program, unsigned operation, unsigned reg, unsigned other)
{
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_ALU64 | BPF_X | operation),
			     .dst_reg = reg & 0xf,
			     .src_reg = other & 0xf,
		     });
}

static void await(const struct bpf_program *program, struct bpf_jumps *ahead)
{
	assert(ahead->n < countof(ahead->from));
	ahead->from[ahead->n++] = program->n;
}

void bpf_jump(struct bpf_program *program, unsigned comparison, unsigned reg, int32_t n, struct bpf_jumps *ahead)
{
	await(program, ahead);
	add(program,
	    (struct bpf_insn){.code = (uint8_t)(BPF_JMP | BPF_K | comparison), .dst_reg = reg & 0xf, .imm = n});
}

void bpf_jump_with(struct bpf_program *program, unsigned comparison, unsigned reg, unsigned other,
		   struct bpf_jumps *ahead)
{
	await(program, ahead);
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_JMP | BPF_X | comparison),
			     .dst_reg = reg & 0xf,
			     .src_reg = other & 0xf,
		     });
}

void bpf_jump32(struct bpf_program *program, unsigned comparison, unsigned reg, uint32_t n, struct bpf_jumps *ahead)
{
	await(program, ahead);
	add(program, (struct bpf_insn){
			     .code = (uint8_t)(BPF_JMP32 | BPF_K | comparison),
			     .dst_reg = reg & 0xf,
			     .imm = (int32_t)n,
		     });
}

/* In pieces of 4, 2 and 1: the kernel wants its stack read at aligned places. */
void bpf_jump_unless(struct bpf_program *program, unsigned reg, unsigned from, ptrdiff_t offset, const void *bytes,
		     size_t n, struct bpf_jumps *ahead)
{
	static const unsigned sizes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W};
	const char *next = bytes;

	for (size_t piece; n > 0; next += piece, offset += (ptrdiff_t)piece, n -= piece) {
		uint32_t value = 0;
		piece = n >= 4 ? 4 : n >= 2 ? 2 : 1;
		memcpy(&value, next, piece);
		bpf_read(program, sizes[piece], reg, from, offset);
		bpf_jump32(program, BPF_JNE, reg, value, ahead);
	}
}

void bpf_land(struct bpf_program *program, struct bpf_jumps *jumps)
{
	while (jumps->n > 0) {
		size_t from = jumps->from[--jumps->n];
		program->insns[from].off = (int16_t)(program->n - from - 1);
	}
}

size_t bpf_loop(struct bpf_program *program, struct bpf_jumps *ahead)
{
	await(program, ahead);
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_JCOND, .src_reg = BPF_MAY_GOTO});
	return program->n - 1;
}

void bpf_again(struct bpf_program *program, size_t loop)
{
	add(program,
	    (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = (int16_t)((ptrdiff_t)loop - (ptrdiff_t)program->n - 1)});
}

void bpf_call(struct bpf_program *program, enum bpf_func_id helper)
{
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = (int32_t)helper});
}

/* The fd of a map is an immediate of 64 bits, in two instructions. */
static void add_map(struct bpf_program *program, int fd)
{
	add(program, (struct bpf_insn){
			     .code = BPF_LD | BPF_DW | BPF_IMM,
			     .dst_reg = BPF_REG_1,
			     .src_reg = BPF_PSEUDO_MAP_FD,
			     .imm = fd,
		     });
	add(program, (struct bpf_insn){0});
}

void bpf_own_value(struct bpf_program *program, int storage_fd)
{
	add_map(program, storage_fd);
	bpf_compute(program, BPF_MOV, BPF_REG_2, 0);
	bpf_call(program, BPF_FUNC_get_local_storage);
}

void bpf_look_up(struct bpf_program *program, int table_fd)
{
	add_map(program, table_fd);
	bpf_call(program, BPF_FUNC_map_lookup_elem);
}

void bpf_answer(struct bpf_program *program, bool yes)
{
	bpf_compute32(program, BPF_MOV, BPF_REG_0, yes);
	add(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int make_map(enum bpf_map_type type, size_t key, size_t value, size_t n, const char *name, struct err *err)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes)); /* the kernel refuses padding that is not 0 */
	attributes.map_type = type;
	attributes.key_size = (uint32_t)key;
	attributes.value_size = (uint32_t)value;
	attributes.max_entries = (uint32_t)n;
	strncpy(attributes.map_name, name, sizeof(attributes.map_name) - 1);

	int fd = bpf(BPF_MAP_CREATE, &attributes);
	return fd < 0 ? err_set(err, errno, "make the BPF map %s in the kernel", name) : fd;
}

static int set(int map, const void *key, const void *value, struct err *err)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map;
	attributes.key = (uintptr_t)key;
	attributes.value = (uintptr_t)value;
	return bpf(BPF_MAP_UPDATE_ELEM, &attributes) < 0 ? err_set(err, errno, "write into a BPF map") : 0;
}

int bpf_storage(size_t size, const char *name, struct err *err)
{
	return make_map(BPF_MAP_TYPE_CGROUP_STORAGE, sizeof(struct bpf_cgroup_storage_key), size, 0, name, err);
}

int bpf_storage_set(int storage_fd, int cgroup_fd, enum bpf_attach_type where, const void *value, struct err *err)
{
	struct bpf_cgroup_storage_key key;
	struct stat st;
	if (fstat(cgroup_fd, &st) < 0)
		return err_set(err, errno, "look at a cgroup");

	memset(&key, 0, sizeof(key));
	key.cgroup_inode_id = st.st_ino;
	key.attach_type = where;
	return set(storage_fd, &key, value, err);
}

int bpf_table(size_t key_size, size_t value_size, size_t n, const char *name, struct err *err)
{
	return make_map(BPF_MAP_TYPE_HASH, key_size, value_size, n, name, err);
}

int bpf_table_set(int table_fd, const void *key, const void *value, struct err *err)
{
	return set(table_fd, key, value, err);
}

int bpf_load(const struct bpf_program *program, const struct bpf_place *place, struct err *err)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = place->type;
	attributes.expected_attach_type = place->where;
	attributes.attach_btf_id = place->hook;
	attributes.insns = (uintptr_t)program->insns;
	attributes.insn_cnt = (uint32_t)program->n;
	attributes.license = (uintptr_t)"GPL";
	strncpy(attributes.prog_name, place->name, sizeof(attributes.prog_name) - 1);

	int fd = bpf(BPF_PROG_LOAD, &attributes);
	return fd < 0 ? err_set(err, errno, "load the BPF program %s into the kernel", place->name) : fd;
}

/* Without BPF_F_ALLOW_MULTI the kernel puts it in the place of the other one, and lets groups below have none. */
int bpf_attach(int cgroup_fd, int program_fd, enum bpf_attach_type where, struct err *err)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = (uint32_t)cgroup_fd;
	attributes.attach_bpf_fd = (uint32_t)program_fd;
	attributes.attach_type = where;

	if (bpf(BPF_PROG_ATTACH, &attributes) < 0)
		return err_set(err, errno, "attach a BPF program to a cgroup");
	return 0;
}
