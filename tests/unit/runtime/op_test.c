#include "runtime/op.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Steps that write what happens to them into a log; the one at `fails` does not apply, the undo of `sticks` fails. */
struct scene {
	char log[256];
	size_t fails, sticks;
	int warnings;
};

static void note(struct scene *scene, const char *what)
{
	strcat(scene->log, what);
}

static int apply(struct op *op, struct scene *scene, size_t i)
{
	char what[8];
	snprintf(what, sizeof(what), "+%zu ", i);
	note(scene, what);
	return scene->fails == i ? err_set(op->err, EIO, "apply %zu", i) : 0;
}

static int undo(struct op *op, struct scene *scene, size_t i)
{
	char what[8];
	snprintf(what, sizeof(what), "-%zu ", i);
	note(scene, what);
	return scene->sticks == i ? err_set(op->err, EBUSY, "undo %zu", i) : 0;
}

#define STEP(n)                                                                                                        \
	static int apply_##n(struct op *op, void *ctx)                                                                 \
	{                                                                                                              \
		return apply(op, ctx, n);                                                                              \
	}                                                                                                              \
	static int undo_##n(struct op *op, void *ctx)                                                                  \
	{                                                                                                              \
		return undo(op, ctx, n);                                                                               \
	}

STEP(1)
STEP(2)
STEP(3)

static const struct step steps[] = {{"one", apply_1, undo_1}, {"two", apply_2, undo_2}, {"three", apply_3, undo_3}};

static void ignore_text(void *ctx, const char *text)
{
	(void)ctx, (void)text;
}

static void count_warning(void *ctx, const char *text)
{
	struct scene *scene = ctx;
	(void)text;
	scene->warnings++;
}

static int run(struct scene *scene, struct err *err, bool unwind)
{
	const struct op_listener listener = {.say = ignore_text, .warn = count_warning, .ctx = scene};
	struct op op = {.listener = &listener, .verb = "test", .err = err};
	return unwind ? op_unwind(&op, steps, 3, scene) : op_run(&op, steps, 3, scene);
}

TEST(steps_run_forwards)
{
	struct scene scene = {0};
	struct err err = {0};

	assert_int_equal(run(&scene, &err, false), 0);
	assert_string_equal(scene.log, "+1 +2 +3 ");
}

TEST(a_failing_step_undoes_itself_and_what_came_before)
{
	static const char *const logs[] = {"+1 -1 ", "+1 +2 -2 -1 ", "+1 +2 +3 -3 -2 -1 "};
	static const char *const names[] = {"one", "two", "three"};

	for (size_t k = 1; k <= 3; k++) {
		struct scene scene = {.fails = k};
		struct err err = {0};
		assert_int_equal(run(&scene, &err, false), -EIO);
		assert_string_equal(scene.log, logs[k - 1]);
		assert_string_equal(err.step, names[k - 1]);
	}
}

TEST(a_failing_undo_does_not_stop_the_others_nor_hide_the_reason)
{
	struct scene scene = {.fails = 3, .sticks = 2};
	struct err err = {0};

	assert_int_equal(run(&scene, &err, false), -EIO);
	assert_string_equal(scene.log, "+1 +2 +3 -3 -2 -1 ");
	assert_string_equal(err.text, "apply 3: Input/output error");
	assert_int_equal(scene.warnings, 1);
}

TEST(taking_down_is_the_list_backwards_and_returns_the_first_failure)
{
	struct scene scene = {.sticks = 2};
	struct err err = {0};

	assert_int_equal(run(&scene, &err, true), -EBUSY);
	assert_string_equal(scene.log, "-3 -2 -1 ");
	assert_string_equal(err.step, "two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_run_forwards),
		cmocka_unit_test(a_failing_step_undoes_itself_and_what_came_before),
		cmocka_unit_test(a_failing_undo_does_not_stop_the_others_nor_hide_the_reason),
		cmocka_unit_test(taking_down_is_the_list_backwards_and_returns_the_first_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
