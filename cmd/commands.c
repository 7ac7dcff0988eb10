#include "cmd/commands.h"

#include "cmd/client.h"
#include "cmd/errors.h"
#include "cmd/inside.h"
#include "cmd/operations.h"
#include "cmd/report.h"
#include "cmd/request.h"
#include "cmd/snapshots.h"
#include "cmd/templates.h"
#include "runtime/base/err.h"
#include "runtime/base/str.h"

static const struct option_row create_options[] = {
	{"config", "SAMPLE", "sample", "begin with /etc/vz/conf/ve-SAMPLE.conf-sample; default: CONFIGFILE of vz.conf"},
	{0},
};

static const struct option_row clone_options[] = {
	{"count", "N", NULL, "make so many of them, with the next free CTIDs"},
	{"snapshot", "UUID", "snapshot", "as it was at that snapshot of it"},
	{"cold", NULL, "cold", "copy only its files, although there are processes"},
	{"skip-memory", NULL, "cold", "the same"},
	{"new-machine-id", NULL, "newMachineId", "let the next start make another /etc/machine-id"},
	{0},
};

static const struct option_row set_options[] = {
	{"save", NULL, "save", "keep the change for later starts"},
	{"applyconfig", "SAMPLE", "sample", "take what /etc/vz/conf/ve-SAMPLE.conf-sample says first"},
	{0},
};

/* A private area is a directory: there is no file system of its own to check, nor to mount again. */
static const struct option_row start_options[] = {
	{"wait", NULL, "wait", "until its own boot is through"},
	{"force", NULL, "force", "although it is disabled"},
	{"skip-fsck", NULL, NULL, "nothing is checked anyway"},
	{"skip-remount", NULL, NULL, "what is mounted already stays so anyway"},
	{0},
};

static const struct option_row stop_options[] = {
	{"fast", NULL, "fast", "kill it, do not ask its init"},
	{"skip-umount", NULL, "skipUmount", "leave its files mounted"},
	{0},
};

static const struct option_row restart_options[] = {
	{"wait", NULL, "wait", "until its own boot is through"},
	{"force", NULL, "force", "although it is disabled"},
	{"fast", NULL, "fast", "kill it, do not ask its init"},
	{0},
};

static const struct option_row suspend_options[] = {
	{"dumpfile", "NAME", "image", "another image than its own, in the dump directory"},
	{"check", NULL, "check", "only tell whether it can be, and what stands in the way"},
	{"force", NULL, "force", "end commands that were entered from outside"},
	{"suspend", NULL, "freeze", "only let it stand still, in memory"},
	{"dump", NULL, "dump", "only write to the image what stands still"},
	{"kill", NULL, "kill", "only end what stands still"},
	{"resume", NULL, "thaw", "let what stands still go on instead"},
	{0},
};

static const struct option_row resume_options[] = {
	{"dumpfile", "NAME", "image", "another image than its own, in the dump directory"},
	{"skip_arpdetect", NULL, "skipArpdetect", "do not ask the network whether somebody has its addresses"},
	{"undump", NULL, "undump", "only bring it back; it stands still"},
	{"resume", NULL, "thaw", "let what stands still go on"},
	{"kill", NULL, "kill", "end what stands still, or do away with the image"},
	{0},
};

#define SNAPSHOT_ID {"id", "UUID", "id", "which one"}, {"uuid", "UUID", "id", "the same"}

static const struct option_row snapshot_options[] = {
	{"id", "UUID", "id", "what it is known by; default: a new one"},
	{"uuid", "UUID", "id", "the same"},
	{"name", "NAME", "name", "what it is called"},
	{"description", "TEXT", "description", "what it is for, one line"},
	{"skip-suspend", NULL, "skipSuspend", "without its processes"},
	{"skip-config", NULL, "skipConfig", "without its configuration"},
	{0},
};

static const struct option_row snapshot_list_options[] = {
	SNAPSHOT_ID,
	{"H", NULL, NULL, "print no header"},
	{"o", "FIELD,...", NULL, "these fields"},
	{"L", NULL, NULL, "list the fields"},
	{"j", NULL, NULL, "print JSON"},
	{0},
};

static const struct option_row snapshot_switch_options[] = {
	SNAPSHOT_ID,
	{"skip-resume", NULL, "skipResume", "leave it stopped"},
	{"must-resume", NULL, "mustResume", "refuse one that has no processes"},
	{"skip-config", NULL, "skipConfig", "keep its configuration"},
	{"skip_arpdetect", NULL, "skipArpdetect", "do not ask the network whether somebody has its addresses"},
	{0},
};

static const struct option_row snapshot_id_options[] = {
	SNAPSHOT_ID,
	{0},
};

static const struct option_row snapshot_mount_options[] = {
	SNAPSHOT_ID,
	{"target", "DIRECTORY", "target", "an empty directory"},
	{0},
};

static const struct option_row status_options[] = {
	{"detail", NULL, NULL, "also its interfaces, addresses, ports and traffic"},
	{0},
};

static const struct option_row list_options[] = {
	{"json", NULL, NULL, "print JSON"},
	{"no-header", NULL, NULL, "print no header"},
	{0},
};

static const struct option_row import_options[] = {
	{"name", "NAME", "name", "default: the file's name without .tar.*"},
	{"sha256", "DIGEST", "sha256", "refuse an archive with another SHA-256 checksum"},
	{0},
};

#define ONE_VE .min = 1, .max = 1, .word = "ve"
#define VE_AND_WORDS .min = 1, .max = COMMAND_ANY, .word = "ve", .verbatim = true
#define ONE_TEMPLATE .words = "NAME", .min = 1, .max = 1, .word = "name"

/* clang-format off */
static const struct command template_commands[] = {
	{.name = "list", .words = "", .method = "TemplateList", .options = list_options, .run = templates_list,
	 .help = "list the OS templates"},
	{.name = "info", ONE_TEMPLATE, .method = "TemplateInfo", .run = templates_info, .help = "show one"},
	{.name = "import", .words = "PATH", .min = 1, .max = 1, .word = "path", .method = "TemplateImport",
	 .options = import_options, .run = templates_import,
	 .help = "take in an archive of a root file system (tar.zst, tar.xz, tar.gz)"},
	{.name = "build", ONE_TEMPLATE, .method = "TemplateBuild", .run = templates_make,
	 .help = "make it by its recipe in /usr/share/openve/recipes"},
	{.name = "delete", ONE_TEMPLATE, .method = "TemplateDelete", .run = operation_run,
	 .help = "remove one that no container stands on"},
	{0},
};

const struct command command_table[] = {
	{.name = "create", .words = "[CTID|NAME]", .max = 1, .word = "ve", .method = "Create", .settings = true,
	 .options = create_options, .run = operation_create,
	 .help = "make a container; without a CTID the next free one is taken"},
	{.name = "clone", .words = "CTID [NEWCTID|NAME...]", .min = 1, .max = COMMAND_ANY, .word = "ve",
	 .method = "Clone", .settings = true, .options = clone_options, .run = operation_clone,
	 .help = "make copies of it, running ones if it runs"},
	{.name = "destroy", .alias = "delete", .words = "CTID", ONE_VE, .method = "Destroy", .run = operation_run,
	 .help = "remove a stopped container and its files"},
	{.name = "start", .words = "CTID", ONE_VE, .method = "Start", .options = start_options, .run = operation_run,
	 .help = "start it"},
	{.name = "stop", .words = "CTID", ONE_VE, .method = "Stop", .options = stop_options, .run = operation_stop,
	 .help = "stop it"},
	{.name = "restart", .words = "CTID", ONE_VE, .method = "Restart", .options = restart_options,
	 .run = operation_run, .help = "stop it, if it runs, and start it"},
	{.name = "suspend", .alias = "chkpnt", .words = "CTID", ONE_VE, .method = "Suspend", .options = suspend_options,
	 .run = operation_run, .help = "write its processes to disk, and end them"},
	{.name = "resume", .alias = "restore", .words = "CTID", ONE_VE, .method = "Resume", .options = resume_options,
	 .run = operation_run, .help = "let them go on where they were"},
	{.name = "snapshot", .words = "CTID", ONE_VE, .method = "Snapshot", .options = snapshot_options,
	 .run = operation_run, .help = "keep its files, configuration and processes as they are now"},
	{.name = "snapshot-list", .words = "CTID", .max = 1, .word = "ve", .method = "SnapshotList",
	 .options = snapshot_list_options, .run = snapshots_list, .help = "list what was kept"},
	{.name = "snapshot-switch", .words = "CTID", ONE_VE, .method = "SnapshotSwitch",
	 .options = snapshot_switch_options, .run = operation_run,
	 .help = "bring it back to a snapshot; what it is now is lost"},
	{.name = "snapshot-delete", .words = "CTID", ONE_VE, .method = "SnapshotDelete",
	 .options = snapshot_id_options, .run = operation_run, .help = "remove a snapshot"},
	{.name = "snapshot-mount", .words = "CTID", ONE_VE, .method = "SnapshotMount",
	 .options = snapshot_mount_options, .run = operation_run, .help = "mount the files of one, read-only"},
	{.name = "snapshot-umount", .words = "CTID", ONE_VE, .method = "SnapshotUmount",
	 .options = snapshot_id_options, .run = operation_run, .help = "unmount them"},
	{.name = "status", .words = "CTID", ONE_VE, .method = "Status", .options = status_options,
	 .run = operation_status, .help = "tell its state in one line"},
	{.name = "mount", .words = "CTID", ONE_VE, .method = "Mount", .run = operation_run,
	 .help = "mount its files"},
	{.name = "umount", .words = "CTID", ONE_VE, .method = "Umount", .run = operation_run,
	 .help = "unmount them"},
	{.name = "set", .words = "CTID", ONE_VE, .method = "Set", .settings = true, .options = set_options,
	 .run = operation_run, .help = "change its parameters, now and with --save for later starts"},
	{.name = "exec", .words = "CTID COMMAND...", VE_AND_WORDS, .method = "Exec", .run = inside_exec,
	 .help = "run a command line in its shell (-: lines from stdin); exit code 8 if it fails"},
	{.name = "exec2", .words = "CTID COMMAND...", VE_AND_WORDS, .method = "Exec", .run = inside_exec2,
	 .help = "the same, with the exit code of the command"},
	{.name = "exec3", .words = "CTID PROGRAM [ARGUMENT...]", VE_AND_WORDS, .method = "Exec", .run = inside_exec3,
	 .help = "the same, without a shell"},
	{.name = "enter", .words = "CTID [--exec COMMAND...]", VE_AND_WORDS, .method = "Exec", .run = inside_enter,
	 .help = "log in to it as root"},
	{.name = "template", .words = "COMMAND", .help = "manage OS templates", .commands = template_commands},

	{.name = "compact"},
	{.name = "console"},
	{.name = "convert"},
	{.name = "execaction"},
	{.name = "monitor"},
	{.name = "pause"},
	{.name = "quotainit"},
	{.name = "quotaoff"},
	{.name = "quotaon"},
	{.name = "register"},
	{.name = "reinstall"},
	{.name = "runscript"},
	{.name = "unregister"},
	{0},
};
/* clang-format on */

const struct command *command_find(const struct command *table, const char *name)
{
	for (const struct command *c = table; c->name; c++)
		if (str_eq(c->name, name) || (c->alias && str_eq(c->alias, name)))
			return c;
	return NULL;
}

static bool is_about_ve(const struct command *command)
{
	return command->word && str_eq(command->word, "ve");
}

static int check_words(const struct command *command, const struct options *options, struct err *err)
{
	if (options->n_words < command->min && is_about_ve(command))
		return err_say(err, ERR_BAD_CTID, "CT ID missing");
	if (options->n_words < command->min)
		return err_say(err, ERR_BAD_OPTION, "vzctl: %s needs a %s", command->name, command->words);
	if (options->n_words > command->max)
		return err_say(err, ERR_BAD_OPTION, "vzctl: %s does not take '%s'", command->name,
			       options->words[command->max]);
	return 0;
}

static int parse(const struct command *command, int argc, char **argv, struct options *ret, struct err *err)
{
	int r = 0;

	if (command->verbatim)
		*ret = (struct options){.words = argv + 1, .n_words = (size_t)argc - 1};
	else
		r = options_parse(command->options, command->settings, argc, argv, ret, err);
	return r < 0 ? r : check_words(command, ret, err);
}

static int connect_and_run(struct request *request)
{
	cleanup_client struct client *client = NULL;

	int r = client_connect(&client, request->err);
	if (r >= 0) {
		request->client = client;
		r = request->command->run(request);
	}
	if (r >= 0)
		return r;
	int exit_code = report_error(request->report, request->err);
	return client || request->err->kind == ERR_PERMISSION ? exit_code : CLIENT_EXIT_NO_DAEMON;
}

static int parse_and_run(const struct command *command, struct report *report, int argc, char **argv)
{
	struct err err = {0};
	struct request request = {.command = command, .report = report, .err = &err};

	int r = parse(command, argc, argv, &request.options, &err);
	r = r < 0 ? report_misuse(&err) : connect_and_run(&request);
	options_done(&request.options);
	return r;
}

static int refuse(enum err_kind kind, const char *fmt, const char *name)
{
	struct err err = {0};

	err_say(&err, kind, fmt, name);
	return report_misuse(&err);
}

/* libvirt undefines a domain by `vzctl start destroy CTID`. */
static bool means_destroy(const struct command *command, int argc, char **argv)
{
	uint32_t ctid;
	return str_eq(command->name, "start") && argc == 3 && str_eq(argv[1], "destroy") &&
	       str_u32(argv[2], &ctid) == 0;
}

int command_run(const struct command *table, struct report *report, int argc, char **argv)
{
	const struct command *command = command_find(table, argv[0]);

	if (!command)
		return refuse(ERR_BAD_OPTION, "Bad command: %s", argv[0]);
	if (!command->help)
		return refuse(ERR_NOT_SUPPORTED, "vzctl %s is not supported yet", argv[0]);
	if (command->commands && argc < 2)
		return refuse(ERR_BAD_OPTION, "vzctl: %s needs a command; see vzctl --help", argv[0]);
	if (command->commands)
		return command_run(command->commands, report, argc - 1, argv + 1);
	if (means_destroy(command, argc, argv))
		return parse_and_run(command_find(table, "destroy"), report, argc - 1, argv + 1);
	return parse_and_run(command, report, argc, argv);
}
