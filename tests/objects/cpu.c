/* What is in the processor while a process runs, and what the kernel lets it read without asking. */
#include "tests/objects/helper.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLACK SECOND /* between two looks at one clock on a slow machine */

/* What a child holds in registers until it is asked, and what it then finds there. */
struct registers {
	unsigned char put[32], found[32];	  /* ymm7, xmm7 where there is no AVX */
	double put_x87, found_x87;		  /* top of the stack of the x87 unit */
	uint64_t put_general, found_general;	  /* r13 */
	volatile unsigned asked, answered, loops; /* by the parent; by the child */
};

/* The wait is a loop of its own instructions: whenever the process is stopped, in this code or in the nap that leaves
 * the processor to others, the values are in the registers only. */
#define HOLD_UNTIL_ASKED                                                                                               \
	"1: movl $20000, %%r12d\n\t"                                                                                   \
	"2: pause\n\t"                                                                                                 \
	"cmpl $0, %[asked]\n\t"                                                                                        \
	"jne 3f\n\t"                                                                                                   \
	"decl %%r12d\n\t"                                                                                              \
	"jnz 2b\n\t"                                                                                                   \
	"incl %[loops]\n\t"                                                                                            \
	"movl %[nanosleep], %%eax\n\t"                                                                                 \
	"leaq %[nap], %%rdi\n\t"                                                                                       \
	"xorl %%esi, %%esi\n\t"                                                                                        \
	"syscall\n\t"                                                                                                  \
	"jmp 1b\n\t"                                                                                                   \
	"3:\n\t"

static void hold_ymm(struct registers *registers)
{
	const struct timespec nap = {.tv_nsec = 10 * MS};

	__asm__ volatile("vmovdqu %[put], %%ymm7\n\t"
			 "fldl %[put_x87]\n\t"
			 "movq %[put_general], %%r13\n\t" HOLD_UNTIL_ASKED "vmovdqu %%ymm7, %[found]\n\t"
			 "fstpl %[found_x87]\n\t"
			 "movq %%r13, %[found_general]\n\t"
			 "vzeroupper"
			 : [found] "=m"(registers->found), [found_x87] "=m"(registers->found_x87),
			   [found_general] "=m"(registers->found_general), [loops] "+m"(registers->loops)
			 : [put] "m"(registers->put), [put_x87] "m"(registers->put_x87),
			   [put_general] "m"(registers->put_general), [asked] "m"(registers->asked), [nap] "m"(nap),
			   [nanosleep] "i"(SYS_nanosleep)
			 : "rax", "rcx", "rdi", "rsi", "r11", "r12", "r13", "xmm7", "memory", "cc");
}

static void hold_xmm(struct registers *registers)
{
	const struct timespec nap = {.tv_nsec = 10 * MS};

	__asm__ volatile("movdqu %[put], %%xmm7\n\t"
			 "fldl %[put_x87]\n\t"
			 "movq %[put_general], %%r13\n\t" HOLD_UNTIL_ASKED "movdqu %%xmm7, %[found]\n\t"
			 "fstpl %[found_x87]\n\t"
			 "movq %%r13, %[found_general]\n\t"
			 : [found] "=m"(registers->found), [found_x87] "=m"(registers->found_x87),
			   [found_general] "=m"(registers->found_general), [loops] "+m"(registers->loops)
			 : [put] "m"(registers->put), [put_x87] "m"(registers->put_x87),
			   [put_general] "m"(registers->put_general), [asked] "m"(registers->asked), [nap] "m"(nap),
			   [nanosleep] "i"(SYS_nanosleep)
			 : "rax", "rcx", "rdi", "rsi", "r11", "r12", "r13", "xmm7", "memory", "cc");
}

static size_t width(void)
{
	return __builtin_cpu_supports("avx") ? 32 : 16;
}

static void keep(struct registers *registers)
{
	for (;;) {
		if (width() == 32)
			hold_ymm(registers);
		else
			hold_xmm(registers);
		registers->asked = 0;
		registers->answered++;
	}
}

static bool prepare_registers(struct held *held)
{
	held->memory = map_shared(4096);
	if (!ok(held, held->memory != NULL, "memory: %m"))
		return false;
	struct registers *registers = (void *)held->memory;
	pattern_fill(registers->put, sizeof(registers->put), 15);
	registers->put_x87 = 2.7182818284590452;
	registers->put_general = UINT64_C(0x0123456789abcdef);
	held->pid = child();
	if (held->pid == 0)
		keep(registers);
	return ok(held, grows(&registers->loops, 0), "the child does not run");
}

static bool check_registers(struct held *held)
{
	struct registers *registers = (void *)held->memory;
	unsigned was = registers->answered;

	registers->asked = 1;
	return ok(held, grows(&registers->answered, was), "the loop does not end") &&
	       ok(held, pattern_is(registers->found, width(), 15), "the vector register has other bytes") &&
	       ok(held, memcmp(&registers->found_x87, &registers->put_x87, sizeof(double)) == 0,
		  "the x87 register has another number") &&
	       ok(held, registers->found_general == UINT64_C(0x0123456789abcdef), "r13 has another number");
}

/* The next value that is put there; the one that is held already still answers once. */
static bool spoil_registers(struct held *held)
{
	struct registers *registers = (void *)held->memory;
	unsigned was = registers->answered;

	registers->put[3] ^= 1;
	registers->asked = 1;
	return grows(&registers->answered, was);
}

static bool prepare_nothing(struct held *held)
{
	(void)held;
	return true;
}

/* The C library asks the vDSO, the system call the kernel: the same clock, also with the offsets of a time namespace.
 */
static bool check_vdso(struct held *held)
{
	static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};

	for (size_t i = 0; i < countof(clocks); i++) {
		struct timespec asked;
		int64_t before = now(clocks[i]);
		syscall(SYS_clock_gettime, clocks[i], &asked);
		int64_t kernel = asked.tv_sec * SECOND + asked.tv_nsec, after = now(clocks[i]);
		if (!ok(held, before <= kernel + MS && kernel <= after + MS && after - before < SLACK,
			"clock %d differs by %ld ms", clocks[i], (kernel - before) / MS))
			return false;
	}
	return true;
}

/* The C library registers an area per thread, where the kernel writes which CPU the thread is on. */
static volatile struct rseq *rseq_area(void)
{
	return (volatile struct rseq *)(void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static bool prepare_rseq(struct held *held)
{
	if (__rseq_size == 0)
		return skip(held, "the C library has not registered an area");
	return true;
}

static bool check_rseq(struct held *held)
{
	cpu_set_t allowed, one;

	if (!ok(held, sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "sched_getaffinity: %m"))
		return false;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		bool moved = sched_setaffinity(0, sizeof(one), &one) == 0;
		uint32_t said = rseq_area()->cpu_id;
		if (!ok(held, !moved || said == cpu, "it says CPU %u on CPU %u", said, cpu))
			return false;
	}
	return ok(held, sched_setaffinity(0, sizeof(allowed), &allowed) == 0, "sched_setaffinity: %m");
}

static bool spoil_rseq(struct held *held)
{
	(void)held;
	return syscall(SYS_rseq, rseq_area(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0;
}

struct kinds cpu_kinds(void)
{
	static const struct kind list[] = {
		{"registers", prepare_registers, check_registers, spoil_registers},
		{"vdso", prepare_nothing, check_vdso, NULL},
		{"rseq", prepare_rseq, check_rseq, spoil_rseq},
	};
	return (struct kinds){list, countof(list)};
}
