/* What every unit test includes: cmocka with what it wants included before it, and the head of a test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* TEST(a_promise_in_words) { … } */
#define TEST(name) static void name(void **state_ __attribute__((unused)))
