/* vzmigrate: moves VEs to another node, over ssh and rsync, stopped or as they run. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/mover.h"
#include "cmd/receive.h"
#include "cmd/report.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/ve.h"

enum {
	OPTION_SSH = 256,
	OPTION_RSYNC,
	OPTION_KEEP_DST,
	OPTION_LIVE,
	OPTION_AT_ONCE,
	OPTION_CHECK,
	OPTION_RECEIVE,
	OPTION_NEW_ID,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{"remove-area", required_argument, NULL, 'r'},
	{"ssh", required_argument, NULL, OPTION_SSH},
	{"ssh-mux", no_argument, NULL, 0}, /* there is one connection, always */
	{"rsync", required_argument, NULL, OPTION_RSYNC},
	{"keep-dst", no_argument, NULL, OPTION_KEEP_DST},
	{"live", no_argument, NULL, OPTION_LIVE},
	{"online", no_argument, NULL, OPTION_LIVE},
	{"noiter", no_argument, NULL, OPTION_AT_ONCE},
	{"check-only", no_argument, NULL, OPTION_CHECK},
	{"dry-run", no_argument, NULL, OPTION_CHECK},
	{"nodeps", optional_argument, NULL, 'f'},
	{"times", no_argument, NULL, 't'},
	{"new-id", required_argument, NULL, OPTION_NEW_ID},
	{"receive", no_argument, NULL, OPTION_RECEIVE},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static void usage(FILE *to)
{
	fputs("usage: vzmigrate [OPTION…] [USER@]NODE CTID|NAME…\n"
	      "\n"
	      "  -r, --remove-area yes|no  remove the private area here afterwards (default: yes)\n"
	      "      --new-id CTID         it gets that CTID there\n"
	      "      --live, --online      it runs, and goes on there where it was\n"
	      "      --noiter              its memory is copied only when it stands still, not before\n"
	      "      --check-only, --dry-run\n"
	      "                            only ask both nodes whether it can be moved\n"
	      "      --keep-dst            should it fail, what was copied stays there for the next attempt\n"
	      "  -f, --nodeps[=cpu|all]    do not compare the nodes' processors\n"
	      "  -t, --times               tell how long each part took, and how long it stood still\n"
	      "      --ssh=OPTIONS         more options for ssh\n"
	      "      --rsync=OPTIONS       more options for rsync\n"
	      "  -v                        tell more\n"
	      "      --help, --version\n",
	      to);
}

static int yes_or_no(const char *text, bool *ret)
{
	*ret = str_eq(text, "yes");
	if (*ret || str_eq(text, "no"))
		return 0;
	fprintf(stderr, "vzmigrate: --remove-area takes yes or no, not '%s'\n", text);
	return -EINVAL;
}

static int parse_nodeps(const char *text, bool *ret)
{
	*ret = true;
	if (!text || str_eq(text, "cpu") || str_eq(text, "cpu_check") || str_eq(text, "all"))
		return 0;
	fprintf(stderr, "vzmigrate: --nodeps=%s is not supported; there is cpu\n", text);
	return -EINVAL;
}

static int parse_ctid(const char *text, uint32_t *ret)
{
	uint32_t ctid;

	if (str_u32(text, &ctid) < 0 || ctid == 0 || ctid > VE_CTID_MAX) {
		fprintf(stderr, "vzmigrate: --new-id takes a CTID, 1 to %u, not '%s'\n", VE_CTID_MAX, text);
		return -EINVAL;
	}
	*ret = ctid;
	return 0;
}

static int not_built(const char *option)
{
	fprintf(stderr, "vzmigrate: %s is not supported yet\n", option);
	return -ENOTSUP;
}

static int take_option(int option, struct mover_options *options, struct report *report)
{
	bool remove;
	int r;

	switch (option) {
	case 'r':
		r = yes_or_no(optarg, &remove);
		options->keep = r == 0 && !remove;
		return r;
	case 'f':
		return parse_nodeps(optarg, &options->any_cpu);
	case 't':
		options->times = true;
		return 0;
	case 'v':
		report->verbose++;
		return 0;
	case OPTION_SSH:
		options->ssh = optarg;
		return 0;
	case OPTION_RSYNC:
		options->rsync = optarg;
		return 0;
	case OPTION_KEEP_DST:
		options->keep_there = true;
		return 0;
	case OPTION_LIVE:
		options->live = true;
		return 0;
	case OPTION_AT_ONCE:
		options->at_once = true;
		return 0;
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case OPTION_NEW_ID:
		return parse_ctid(optarg, &options->new_ctid);
	case 'c':
	case 's':
		return not_built(option == 'c' ? "-c" : "-s");
	default:
		return option == 0 ? 0 : -EINVAL;
	}
}

/* The rest of the command line after the node; the first failure is the exit code. */
static int move_all(const struct mover_options *options, char **ves, struct report *report)
{
	int code = MOVER_OK;

	for (; *ves; ves++) {
		int one = mover_run(options, *ves, report);
		if (code == MOVER_OK)
			code = one;
	}
	return code;
}

static int run(struct mover_options *options, struct report *report, char **words)
{
	if (!words[0]) {
		usage(stdout);
		return MOVER_OK;
	}
	if (!words[1]) {
		fputs("vzmigrate: which container?\n", stderr);
		return MOVER_USAGE;
	}
	if (options->new_ctid && words[2]) {
		fputs("vzmigrate: --new-id is for one container, not for several\n", stderr);
		return MOVER_USAGE;
	}
	if (words[0][0] == '-' || strpbrk(words[0], " :/")) {
		fprintf(stderr, "vzmigrate: '%s' is no name of a node\n", words[0]);
		return MOVER_USAGE;
	}
	if (geteuid() != 0) {
		fputs("This program can only be run under root.\n", stderr);
		return MOVER_USAGE;
	}
	options->node = words[0];
	return move_all(options, words + 1, report);
}

int main(int argc, char **argv)
{
	struct mover_options options = {0};
	struct report report;
	int option;

	report_init(&report);
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "r:ftvcs", long_options, NULL)) >= 0) {
		if (option == OPTION_RECEIVE)
			return receive_run(STDIN_FILENO, STDOUT_FILENO);
		if (option == OPTION_HELP || option == OPTION_VERSION) {
			option == OPTION_HELP ? usage(stdout) : (void)puts("vzmigrate version " OPENVE_VERSION);
			return MOVER_OK;
		}
		if (take_option(option, &options, &report) < 0)
			return MOVER_USAGE;
	}
	return run(&options, &report, argv + optind);
}
