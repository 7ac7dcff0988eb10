/* The contract between vzd and its clients. sd-varlink checks each call against it before a verb sees the call: types,
 * required parameters, unknown ones. */
#include "cmd/interface.h"

#include <stdint.h>
#include <stdlib.h>

#include "cmd/errors.h"
#include "runtime/base/mem.h"

/* A row per field: COMMENT before it where there is one, _NULL for one that may be null or missing. */
#define COMMENT(text) SD_VARLINK_FIELD_COMMENT(text)
#define IN(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, 0)
#define IN_NULL(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define OUT(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, 0)
#define OUT_NULL(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define OUT_TYPE(name, type, flags) SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(name, type, flags)
#define FIELD(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, 0)
#define FIELD_NULL(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define FIELD_TYPE(name, type) SD_VARLINK_DEFINE_FIELD_BY_TYPE(name, type, 0)

#define SETTINGS SD_VARLINK_DEFINE_INPUT(settings, SD_VARLINK_STRING, SD_VARLINK_MAP)

/* What a method that takes long may answer before its last answer. */
#define PROGRESS OUT_TYPE(message, Message, SD_VARLINK_NULLABLE), OUT_NULL(percent, INT)

#define TYPE(name, ...) static SD_VARLINK_DEFINE_STRUCT_TYPE(name, __VA_ARGS__)
#define METHOD(name, flags, ...) static SD_VARLINK_DEFINE_METHOD_FULL(name, flags, __VA_ARGS__)
#define MORE SD_VARLINK_SUPPORTS_MORE
#define ONLY_MORE SD_VARLINK_REQUIRES_MORE

/* clang-format off */
TYPE(Message,
     FIELD(text, STRING),
     COMMENT("It belongs on stderr"),
     FIELD(warning, BOOL));

METHOD(Create, MORE,
       COMMENT("A free CTID, a name for the VE, or \"\" for the next free CTID"),
       IN(ve, STRING),
       SETTINGS,
       COMMENT("Of ve-SAMPLE.conf-sample; null is the node's default"),
       IN_NULL(sample, STRING),
       PROGRESS,
       OUT_NULL(ctid, INT));

METHOD(Clone, MORE,
       IN(ve, STRING),
       COMMENT("As Create has them; null: `count` of the next free CTIDs"),
       SD_VARLINK_DEFINE_INPUT(clones, SD_VARLINK_STRING, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE),
       COMMENT("Null is 1"),
       IN_NULL(count, INT),
       COMMENT("Over those of the VE, of which a clone has no address and no name"),
       SETTINGS,
       COMMENT("UUID of the snapshot at which it was what is cloned; null: it is cloned as it is"),
       IN_NULL(snapshot, STRING),
       COMMENT("Only the files, though it runs or is suspended, or the snapshot has processes"),
       IN_NULL(cold, BOOL),
       COMMENT("Let its next start make one"),
       IN_NULL(newMachineId, BOOL),
       PROGRESS,
       SD_VARLINK_DEFINE_OUTPUT(ctids, SD_VARLINK_INT, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE));

METHOD(Destroy, MORE, IN(ve, STRING), PROGRESS);

METHOD(Start, MORE,
       IN(ve, STRING),
       COMMENT("Answer when the VE's own boot is through"),
       IN_NULL(wait, BOOL),
       COMMENT("Although it is disabled"),
       IN_NULL(force, BOOL),
       PROGRESS);

METHOD(Stop, MORE,
       IN(ve, STRING),
       COMMENT("Kill, do not ask"),
       IN_NULL(fast, BOOL),
       COMMENT("Leave the root mounted"),
       IN_NULL(skipUmount, BOOL),
       PROGRESS);

METHOD(Restart, MORE,
       IN(ve, STRING),
       IN_NULL(wait, BOOL),
       IN_NULL(force, BOOL),
       IN_NULL(fast, BOOL),
       PROGRESS);

METHOD(Suspend, MORE,
       IN(ve, STRING),
       COMMENT("A stage by itself: its processes stand still, in memory"),
       IN_NULL(freeze, BOOL),
       COMMENT("A stage by itself: what stands still is written to an image"),
       IN_NULL(dump, BOOL),
       COMMENT("A stage by itself: what stands still ends"),
       IN_NULL(kill, BOOL),
       COMMENT("A stage by itself: what stands still goes on"),
       IN_NULL(thaw, BOOL),
       COMMENT("Name of an image in the dump directory; null: the VE's own"),
       IN_NULL(image, STRING),
       COMMENT("Only tell, in messages, what stands in the way; fails if something does"),
       IN_NULL(check, BOOL),
       COMMENT("Commands that were entered from outside are ended"),
       IN_NULL(force, BOOL),
       PROGRESS);

METHOD(Resume, MORE,
       IN(ve, STRING),
       COMMENT("A stage by itself: its processes are back, and stand still"),
       IN_NULL(undump, BOOL),
       COMMENT("A stage by itself: they go on"),
       IN_NULL(thaw, BOOL),
       COMMENT("A stage by itself: they end; of a suspended VE, its image"),
       IN_NULL(kill, BOOL),
       IN_NULL(image, STRING),
       COMMENT("Do not ask the network whether somebody has its addresses"),
       IN_NULL(skipArpdetect, BOOL),
       PROGRESS);

METHOD(Snapshot, MORE,
       IN(ve, STRING),
       COMMENT("A UUID of its own, with or without braces; null: any"),
       IN_NULL(id, STRING),
       IN_NULL(name, STRING),
       IN_NULL(description, STRING),
       COMMENT("Without its processes: it only stands still while its files are copied"),
       IN_NULL(skipSuspend, BOOL),
       COMMENT("Without its configuration"),
       IN_NULL(skipConfig, BOOL),
       PROGRESS,
       OUT_NULL(id, STRING));

TYPE(Snapshot,
     FIELD(id, STRING),
     COMMENT("Null: it has none"),
     FIELD_NULL(parent, STRING),
     COMMENT("The VE comes from it: the next one's parent"),
     FIELD(current, BOOL),
     COMMENT("Seconds since the epoch"),
     FIELD(date, INT),
     FIELD_NULL(name, STRING),
     FIELD_NULL(description, STRING),
     COMMENT("It has the VE's processes, too"),
     FIELD(memory, BOOL),
     COMMENT("Where it is mounted; null: nowhere"),
     FIELD_NULL(target, STRING));

METHOD(SnapshotList, MORE,
       IN(ve, STRING),
       COMMENT("Only this one"),
       IN_NULL(id, STRING),
       PROGRESS,
       OUT_TYPE(snapshots, Snapshot, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE));

METHOD(SnapshotSwitch, MORE,
       IN(ve, STRING),
       IN_NULL(id, STRING),
       COMMENT("Leave it stopped"),
       IN_NULL(skipResume, BOOL),
       COMMENT("Refuse a snapshot without processes"),
       IN_NULL(mustResume, BOOL),
       COMMENT("Keep its configuration"),
       IN_NULL(skipConfig, BOOL),
       COMMENT("Do not ask the network whether somebody has its addresses"),
       IN_NULL(skipArpdetect, BOOL),
       PROGRESS);

METHOD(SnapshotDelete, MORE, IN(ve, STRING), IN_NULL(id, STRING), PROGRESS);

METHOD(SnapshotMount, MORE,
       IN(ve, STRING),
       IN_NULL(id, STRING),
       COMMENT("An empty directory of the node"),
       IN_NULL(target, STRING),
       PROGRESS);

METHOD(SnapshotUmount, MORE, IN(ve, STRING), IN_NULL(id, STRING), PROGRESS);

METHOD(MigrateOut, MORE,
       IN(ve, STRING),
       COMMENT("What the receiving node is called here"),
       IN(receiver, STRING),
       COMMENT("Its CTID there; without, it is what it is here"),
       IN_NULL(newCtid, INT),
       COMMENT("It runs, and goes on there where it was"),
       IN_NULL(live, BOOL),
       COMMENT("Its private area stays here, too"),
       IN_NULL(keep, BOOL),
       PROGRESS);

METHOD(MigrateIn, MORE,
       COMMENT("What the giving node says of it"),
       IN(facts, STRING),
       COMMENT("Its configuration file there"),
       IN(config, STRING),
       COMMENT("Only tell whether it would fit"),
       IN_NULL(check, BOOL),
       COMMENT("What was received stays for another attempt, should this one fail"),
       IN_NULL(keep, BOOL),
       PROGRESS);

METHOD(Mount, MORE, IN(ve, STRING), PROGRESS);
METHOD(Umount, MORE, IN(ve, STRING), PROGRESS);

METHOD(Set, MORE,
       IN(ve, STRING),
       SETTINGS,
       COMMENT("Apply that sample below the settings"),
       IN_NULL(sample, STRING),
       COMMENT("Also to the configuration file"),
       IN_NULL(save, BOOL),
       PROGRESS);

METHOD(Status, 0,
       IN(ve, STRING),
       OUT_NULL(ctid, INT),
       OUT(exists, BOOL),
       OUT(mounted, BOOL),
       OUT(running, BOOL),
       OUT(suspended, BOOL));

TYPE(Counter,
     FIELD_NULL(held, INT),
     FIELD_NULL(maxheld, INT),
     FIELD_NULL(failcnt, INT));

TYPE(Disk,
     FIELD_NULL(usage, INT),
     FIELD_NULL(soft, INT),
     FIELD_NULL(hard, INT));

TYPE(Count,
     FIELD(packets, INT),
     FIELD(bytes, INT));

TYPE(Traffic,
     FIELD_TYPE(sent4, Count),
     FIELD_TYPE(sent6, Count),
     FIELD_TYPE(received4, Count),
     FIELD_TYPE(received6, Count),
     COMMENT("What the filter threw away of what the VE sent"),
     FIELD_TYPE(dropped, Count));

TYPE(VE,
     FIELD(ctid, INT),
     COMMENT("running, stopped, mounted, suspended or broken"),
     FIELD(status, STRING),
     COMMENT("Paths on the node"),
     FIELD(private, STRING),
     FIELD(root, STRING),
     FIELD(privateExists, BOOL),
     SD_VARLINK_DEFINE_FIELD(settings, SD_VARLINK_STRING, SD_VARLINK_MAP),
     FIELD_TYPE(numproc, Counter),
     COMMENT("Bytes"),
     FIELD_TYPE(physpages, Counter),
     COMMENT("Bytes"),
     FIELD_TYPE(swappages, Counter),
     COMMENT("Bytes"),
     FIELD_TYPE(diskspace, Disk),
     FIELD_TYPE(diskinodes, Disk),
     SD_VARLINK_DEFINE_FIELD(laverage, SD_VARLINK_FLOAT, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE),
     COMMENT("Seconds, 0 when it does not run"),
     FIELD(uptime, FLOAT),
     COMMENT("Since it was created; null if it was not asked for, or nothing counts"),
     SD_VARLINK_DEFINE_FIELD_BY_TYPE(network, Traffic, SD_VARLINK_NULLABLE),
     COMMENT("Can it be suspended as it is? Null if it was not asked for, or does not run"),
     FIELD_NULL(checkpointable, BOOL));

METHOD(List, ONLY_MORE,
       SD_VARLINK_DEFINE_INPUT(ves, SD_VARLINK_STRING, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE),
       COMMENT("Count the traffic, too, which takes longer"),
       IN_NULL(traffic, BOOL),
       COMMENT("Look whether they can be suspended, too, which takes longer"),
       IN_NULL(checkpointable, BOOL),
       OUT_TYPE(ve, VE, SD_VARLINK_NULLABLE));

METHOD(Exec, MORE,
       IN(ve, STRING),
       SD_VARLINK_DEFINE_INPUT(argv, SD_VARLINK_STRING, SD_VARLINK_ARRAY),
       COMMENT("Join the words by blanks, for the VE's shell; no word at all is a login shell"),
       IN(shell, BOOL),
       IN(tty, BOOL),
       COMMENT("Size of the terminal"),
       IN_NULL(rows, INT),
       IN_NULL(columns, INT),
       COMMENT("TERM in its environment"),
       IN_NULL(term, STRING),
       OUT_NULL(started, BOOL),
       OUT_NULL(status, INT));

TYPE(Template,
     FIELD(name, STRING),
     COMMENT("SHA-256 of the archive; \"\" if it is not unpacked yet"),
     FIELD(digest, STRING),
     COMMENT("Its file name in template/cache"),
     FIELD_NULL(archive, STRING),
     COMMENT("Bytes, unpacked"),
     FIELD(size, INT),
     FIELD(entries, INT),
     COMMENT("Entries that were not taken: device nodes, dangerous attributes"),
     FIELD(dropped, INT),
     COMMENT("Seconds since the epoch"),
     FIELD(created, INT));

METHOD(TemplateList, 0, OUT_TYPE(templates, Template, SD_VARLINK_ARRAY));
METHOD(TemplateInfo, 0, IN(name, STRING), OUT_TYPE(template, Template, 0));

METHOD(TemplateImport, MORE,
       COMMENT("Absolute, on the node"),
       IN(path, STRING),
       COMMENT("Null: the file name without .tar.*"),
       IN_NULL(name, STRING),
       COMMENT("What its SHA-256 must be"),
       IN_NULL(sha256, STRING),
       PROGRESS,
       OUT_TYPE(template, Template, SD_VARLINK_NULLABLE));

METHOD(TemplateBuild, MORE, IN(name, STRING), PROGRESS, OUT_TYPE(template, Template, SD_VARLINK_NULLABLE));
METHOD(TemplateDelete, MORE, IN(name, STRING), PROGRESS);
/* clang-format on */

static const sd_varlink_symbol *const symbols[] = {
	SD_VARLINK_INTERFACE_COMMENT("OpenVE: virtual environments of a node. Served by vzd on /run/vz/io.openve."),
	SD_VARLINK_INTERFACE_COMMENT("A VE is named by its CTID in decimal or by its name."),
	SD_VARLINK_INTERFACE_COMMENT("Settings are the keys and values of /etc/vz/conf/CTID.conf. Lists change by"),
	SD_VARLINK_INTERFACE_COMMENT("keys of their own, such as IPADD and IPDEL: options of vzctl set in capitals."),
	SD_VARLINK_INTERFACE_COMMENT("With `more`, a method that takes long first answers any number of times with"),
	SD_VARLINK_INTERFACE_COMMENT("`message` or `percent` set; its last answer has neither."),
	&vl_type_Message,
	SD_VARLINK_SYMBOL_COMMENT("Make a VE; the last answer has its CTID"),
	&vl_method_Create,
	SD_VARLINK_SYMBOL_COMMENT("Make copies of a VE, whose processes go on in them if it has any: all or none"),
	&vl_method_Clone,
	SD_VARLINK_SYMBOL_COMMENT("Remove a VE that does not run, with all its files"),
	&vl_method_Destroy,
	SD_VARLINK_SYMBOL_COMMENT("Boot a VE"),
	&vl_method_Start,
	SD_VARLINK_SYMBOL_COMMENT("Ask a VE to power off, and kill it if it does not in time"),
	&vl_method_Stop,
	SD_VARLINK_SYMBOL_COMMENT("Stop, if it runs, and start"),
	&vl_method_Restart,
	SD_VARLINK_SYMBOL_COMMENT("Write the processes of a running VE to an image, and end them"),
	&vl_method_Suspend,
	SD_VARLINK_SYMBOL_COMMENT("Bring them back, and let them go on where they were"),
	&vl_method_Resume,
	SD_VARLINK_SYMBOL_COMMENT(
		"Keep a VE's files, configuration and processes as they are now; answers with the UUID"),
	&vl_method_Snapshot,
	&vl_type_Snapshot,
	SD_VARLINK_SYMBOL_COMMENT("All snapshots of a VE, by age"),
	&vl_method_SnapshotList,
	SD_VARLINK_SYMBOL_COMMENT("Bring a VE back to a snapshot; what it is now is lost"),
	&vl_method_SnapshotSwitch,
	SD_VARLINK_SYMBOL_COMMENT("Remove one; those that followed from it follow from its parent"),
	&vl_method_SnapshotDelete,
	SD_VARLINK_SYMBOL_COMMENT("Mount the files of a snapshot, read-only"),
	&vl_method_SnapshotMount,
	SD_VARLINK_SYMBOL_COMMENT("Take them off again"),
	&vl_method_SnapshotUmount,
	SD_VARLINK_SYMBOL_COMMENT("Give a VE to another node. A stream socket comes with the call, for the words"),
	SD_VARLINK_SYMBOL_COMMENT("of runtime/migrate.h: the caller carries them, and the files, to MigrateIn there"),
	&vl_method_MigrateOut,
	SD_VARLINK_SYMBOL_COMMENT("Take a VE from another node. A stream socket comes with the call"),
	&vl_method_MigrateIn,
	SD_VARLINK_SYMBOL_COMMENT("Mount the root of a VE that does not run"),
	&vl_method_Mount,
	SD_VARLINK_SYMBOL_COMMENT("Take it down again"),
	&vl_method_Umount,
	SD_VARLINK_SYMBOL_COMMENT("Change settings, of the running VE and of its configuration: all or none"),
	&vl_method_Set,
	SD_VARLINK_SYMBOL_COMMENT("Never fails for a VE that does not exist: `exists` is false then"),
	&vl_method_Status,
	SD_VARLINK_SYMBOL_COMMENT("What a VE holds of a resource; null where the kernel does not say"),
	&vl_type_Counter,
	SD_VARLINK_SYMBOL_COMMENT("Disk quota of a VE; null is no limit, or not known"),
	&vl_type_Disk,
	&vl_type_Count,
	SD_VARLINK_SYMBOL_COMMENT("Traffic of a VE by direction, from its own point of view, and family"),
	&vl_type_Traffic,
	SD_VARLINK_SYMBOL_COMMENT("What there is to know of a VE"),
	&vl_type_VE,
	SD_VARLINK_SYMBOL_COMMENT("One answer a VE, the last one has none. Without names: all"),
	&vl_method_List,
	SD_VARLINK_SYMBOL_COMMENT("Run a command in a VE. It is killed when the connection closes"),
	SD_VARLINK_SYMBOL_COMMENT(
		"Without tty, three descriptors come with the call: pipes, its stdin, stdout, stderr"),
	SD_VARLINK_SYMBOL_COMMENT("With tty and `more`, the answer `started` carries one: the master of its pty"),
	SD_VARLINK_SYMBOL_COMMENT("The last answer has the exit status, as a shell has it (128 + signal)"),
	&vl_method_Exec,
	&vl_type_Template,
	SD_VARLINK_SYMBOL_COMMENT("All templates, sorted by name"),
	&vl_method_TemplateList,
	SD_VARLINK_SYMBOL_COMMENT("One template"),
	&vl_method_TemplateInfo,
	SD_VARLINK_SYMBOL_COMMENT("Take an archive of a root file system in as a template"),
	&vl_method_TemplateImport,
	SD_VARLINK_SYMBOL_COMMENT("Make a template by its recipe"),
	&vl_method_TemplateBuild,
	SD_VARLINK_SYMBOL_COMMENT("Remove a template that no VE stands on"),
	&vl_method_TemplateDelete,
};

static const sd_varlink_symbol *new_comment(const char *text)
{
	sd_varlink_symbol *symbol = mem_zero(1, sizeof(*symbol));
	symbol->name = text;
	symbol->symbol_type = _SD_VARLINK_SYMBOL_COMMENT;
	return symbol;
}

/* All errors have the same parameters. */
static const sd_varlink_symbol *new_error(const char *name)
{
	static const sd_varlink_field fields[] = {
		FIELD(reason, STRING),
		FIELD_NULL(step, STRING),
		/* errno is a macro, which the others would expand. */
		{.name = "errno", .field_type = SD_VARLINK_INT, .field_flags = SD_VARLINK_NULLABLE},
	};

	/* The field after the last one is zero and so its end marker. */
	sd_varlink_symbol *symbol = mem_zero(1, sizeof(*symbol) + (countof(fields) + 1) * sizeof(fields[0]));
	symbol->name = name;
	symbol->symbol_type = SD_VARLINK_ERROR;
	for (size_t i = 0; i < countof(fields); i++)
		symbol->fields[i] = fields[i];
	return symbol;
}

sd_varlink_interface *interface_new(void)
{
	size_t n = countof(symbols), n_errors = ERR_COUNT - 1;
	sd_varlink_interface *interface =
		mem_zero(1, sizeof(*interface) + (n + 2 * n_errors + 1) * sizeof(interface->symbols[0]));

	interface->name = INTERFACE_NAME;
	for (size_t i = 0; i < n; i++)
		interface->symbols[i] = symbols[i];
	for (enum err_kind kind = ERR_NONE + 1; kind < ERR_COUNT; kind++) {
		interface->symbols[n++] = new_comment(error_table[kind].help);
		interface->symbols[n++] = new_error(error_table[kind].name + sizeof(INTERFACE_NAME));
	}
	return interface;
}

void interface_free(sd_varlink_interface *interface)
{
	if (!interface)
		return;
	for (size_t i = countof(symbols); interface->symbols[i]; i++)
		free((void *)(uintptr_t)interface->symbols[i]);
	free(interface);
}
