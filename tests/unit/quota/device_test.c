/* What the device filter answers, asked as the kernel asks it. The few instructions that it is made of are run here,
 * and any other is a failure. */
#include "unit.h"

#include <errno.h>
#include <linux/bpf.h>

#include "quota/device.h"
#include "runtime/base/mem.h"

static uint32_t compute(uint8_t code, uint32_t before, uint32_t operand)
{
	switch (code & 0xf0) {
	case BPF_MOV:
		return operand;
	case BPF_AND:
		return before & operand;
	case BPF_RSH:
		return before >> operand;
	}
	fail_msg("unexpected arithmetic %#x", code);
	return 0;
}

static bool compare(uint8_t code, uint32_t left, uint32_t right)
{
	switch (code & 0xf0) {
	case BPF_JNE:
		return left != right;
	case BPF_JSET:
		return left & right;
	}
	fail_msg("unexpected jump %#x", code);
	return false;
}

static bool run(const struct bpf_insn *insns, size_t n, const struct bpf_cgroup_dev_ctx *context)
{
	uint32_t reg[MAX_BPF_REG] = {0};

	for (size_t i = 0; i < n; i++) {
		const struct bpf_insn *insn = &insns[i];
		uint32_t operand = insn->code & BPF_X ? reg[insn->src_reg] : (uint32_t)insn->imm;

		switch (insn->code & 0x07) {
		case BPF_LDX:
			assert_int_equal(insn->code, BPF_LDX | BPF_MEM | BPF_W);
			assert_int_equal(insn->src_reg, BPF_REG_1);
			reg[insn->dst_reg] = *(const uint32_t *)(const void *)((const char *)context + insn->off);
			break;
		case BPF_ALU:
			reg[insn->dst_reg] = compute(insn->code, reg[insn->dst_reg], operand);
			break;
		case BPF_JMP32:
			i += compare(insn->code, reg[insn->dst_reg], operand) ? (size_t)insn->off : 0;
			break;
		default:
			assert_int_equal(insn->code, BPF_JMP | BPF_EXIT);
			return reg[BPF_REG_0];
		}
	}
	fail_msg("the program ends without an answer");
	return false;
}

static const struct device_rule rules[] = {
	{'c', 1, 3, true, true},
	{'c', 1, 9, true, false},
	{'b', 7, 0, true, true},
	{'c', 136, DEVICE_ANY, true, true},
};

static bool ask(const struct device_rule *table, size_t n, uint32_t type, uint32_t access, uint32_t major,
		uint32_t minor)
{
	struct bpf_cgroup_dev_ctx context = {.access_type = access << 16 | type, .major = major, .minor = minor};
	size_t length;
	cleanup_free struct bpf_insn *insns = device_filter_program(table, n, &length);
	return run(insns, length, &context);
}

static bool allows(char type, uint32_t access, uint32_t major, uint32_t minor)
{
	return ask(rules, countof(rules), type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, access, major, minor);
}

enum { R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE, MKNOD = BPF_DEVCG_ACC_MKNOD };

TEST(what_a_rule_allows_is_allowed)
{
	assert_true(allows('c', R, 1, 3));
	assert_true(allows('c', W, 1, 3));
	assert_true(allows('c', R | W, 1, 3));
	assert_true(allows('c', R, 1, 9));
	assert_true(allows('b', R, 7, 0));
}

TEST(all_else_is_refused)
{
	assert_false(allows('c', R, 1, 1));
	assert_false(allows('c', R, 2, 3));
	assert_false(allows('b', R, 1, 3));
	assert_false(allows('c', R, 7, 0));
	assert_false(allows('b', R, 7, 1));
}

TEST(all_of_the_access_must_be_allowed)
{
	assert_false(allows('c', W, 1, 9));
	assert_false(allows('c', R | W, 1, 9));
}

TEST(any_minor_is_any_minor)
{
	assert_true(allows('c', R | W, 136, 0));
	assert_true(allows('c', R | W, 136, 1048575));
	assert_true(allows('c', R | W, 136, UINT32_MAX));
	assert_false(allows('c', R | W, 137, 0));
}

TEST(nobody_makes_nodes)
{
	assert_false(allows('c', MKNOD, 1, 3));
	assert_false(allows('c', MKNOD | R | W, 136, 5));
	assert_false(allows('b', MKNOD, 7, 0));
}

/* Bits that a later kernel may ask with. */
TEST(what_is_unknown_is_refused)
{
	assert_false(allows('c', R | 8, 1, 3));
	assert_false(allows('c', 0x8000, 1, 3));
	assert_false(ask(rules, countof(rules), 3, R, 1, 3));
}

TEST(no_rules_allow_nothing)
{
	assert_false(ask(NULL, 0, BPF_DEVCG_DEV_CHAR, R, 1, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_rule_allows_is_allowed),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(all_of_the_access_must_be_allowed),
		cmocka_unit_test(any_minor_is_any_minor),
		cmocka_unit_test(nobody_makes_nodes),
		cmocka_unit_test(what_is_unknown_is_refused),
		cmocka_unit_test(no_rules_allow_nothing),
	};
	return cmocka_run_group_tests_name("device filter", tests, NULL, NULL);
}
