/* The contract between vzd and its clients. sd-varlink checks each call against it before a verb sees the call: types, required
 * parameters, unknown ones. */
#include "cmd/interface.h"

#include "cmd/errors.h"
#include "runtime/base/mem.h"

#define INPUT(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, 0)
#define INPUT_OR_NULL(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define OUTPUT(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, 0)
#define OUTPUT_OR_NULL(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define FIELD(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, 0)
#define FIELD_OR_NULL(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define FIELD_OF(name, type) SD_VARLINK_DEFINE_FIELD_BY_TYPE(name, type, 0)
#define SETTINGS SD_VARLINK_DEFINE_INPUT(settings, SD_VARLINK_STRING, SD_VARLINK_MAP)

/* What every method that takes long may answer before its last answer. */
#define PROGRESS                                                                           \
	SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(message, Message, SD_VARLINK_NULLABLE),           \
		OUTPUT_OR_NULL(percent, INT)

static SD_VARLINK_DEFINE_STRUCT_TYPE(Message, FIELD(text, STRING),
				     SD_VARLINK_FIELD_COMMENT("It belongs on stderr"), FIELD(warning, BOOL));

static SD_VARLINK_DEFINE_METHOD_FULL(
	Create, SD_VARLINK_SUPPORTS_MORE,
	SD_VARLINK_FIELD_COMMENT("A free CTID, a name for the VE, or \"\" for the next free CTID"), INPUT(ve, STRING),
	SETTINGS, SD_VARLINK_FIELD_COMMENT("Of ve-SAMPLE.conf-sample; null is the node's default"),
	INPUT_OR_NULL(sample, STRING), PROGRESS, OUTPUT_OR_NULL(ctid, INT));

static SD_VARLINK_DEFINE_METHOD_FULL(Destroy, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), PROGRESS);

static SD_VARLINK_DEFINE_METHOD_FULL(
	Start, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING),
	SD_VARLINK_FIELD_COMMENT("Answer when the VE's own boot is through"), INPUT_OR_NULL(wait, BOOL),
	SD_VARLINK_FIELD_COMMENT("Although it is disabled"), INPUT_OR_NULL(force, BOOL), PROGRESS);

static SD_VARLINK_DEFINE_METHOD_FULL(
	Stop, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), SD_VARLINK_FIELD_COMMENT("Kill, do not ask"),
	INPUT_OR_NULL(fast, BOOL), SD_VARLINK_FIELD_COMMENT("Leave the root mounted"), INPUT_OR_NULL(skipUmount, BOOL),
	PROGRESS);

static SD_VARLINK_DEFINE_METHOD_FULL(Restart, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), INPUT_OR_NULL(wait, BOOL),
				     INPUT_OR_NULL(force, BOOL), INPUT_OR_NULL(fast, BOOL), PROGRESS);

static SD_VARLINK_DEFINE_METHOD_FULL(Mount, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), PROGRESS);
static SD_VARLINK_DEFINE_METHOD_FULL(Umount, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), PROGRESS);

static SD_VARLINK_DEFINE_METHOD_FULL(
	Set, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING), SETTINGS,
	SD_VARLINK_FIELD_COMMENT("Apply that sample below the settings"), INPUT_OR_NULL(sample, STRING),
	SD_VARLINK_FIELD_COMMENT("Also to the configuration file"), INPUT_OR_NULL(save, BOOL), PROGRESS);

static SD_VARLINK_DEFINE_METHOD(Status, INPUT(ve, STRING), OUTPUT_OR_NULL(ctid, INT), OUTPUT(exists, BOOL),
				OUTPUT(mounted, BOOL), OUTPUT(running, BOOL), OUTPUT(suspended, BOOL));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Counter, FIELD_OR_NULL(held, INT), FIELD_OR_NULL(maxheld, INT),
				     FIELD_OR_NULL(failcnt, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(Disk, FIELD_OR_NULL(usage, INT), FIELD_OR_NULL(soft, INT),
				     FIELD_OR_NULL(hard, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	VE, FIELD(ctid, INT), SD_VARLINK_FIELD_COMMENT("running, stopped, mounted, suspended or broken"),
	FIELD(status, STRING), SD_VARLINK_FIELD_COMMENT("Paths on the node"), FIELD(private, STRING),
	FIELD(root, STRING), FIELD(privateExists, BOOL),
	SD_VARLINK_DEFINE_FIELD(settings, SD_VARLINK_STRING, SD_VARLINK_MAP), FIELD_OF(numproc, Counter),
	SD_VARLINK_FIELD_COMMENT("Bytes"), FIELD_OF(physpages, Counter), SD_VARLINK_FIELD_COMMENT("Bytes"),
	FIELD_OF(swappages, Counter), SD_VARLINK_FIELD_COMMENT("Bytes"), FIELD_OF(diskspace, Disk),
	FIELD_OF(diskinodes, Disk),
	SD_VARLINK_DEFINE_FIELD(laverage, SD_VARLINK_FLOAT, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE),
	SD_VARLINK_FIELD_COMMENT("Seconds, 0 when it does not run"), FIELD(uptime, FLOAT));

static SD_VARLINK_DEFINE_METHOD_FULL(
	List, SD_VARLINK_REQUIRES_MORE,
	SD_VARLINK_DEFINE_INPUT(ves, SD_VARLINK_STRING, SD_VARLINK_ARRAY | SD_VARLINK_NULLABLE),
	SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(ve, VE, SD_VARLINK_NULLABLE));

static SD_VARLINK_DEFINE_METHOD_FULL(
	Exec, SD_VARLINK_SUPPORTS_MORE, INPUT(ve, STRING),
	SD_VARLINK_DEFINE_INPUT(argv, SD_VARLINK_STRING, SD_VARLINK_ARRAY),
	SD_VARLINK_FIELD_COMMENT("Join the words by blanks, for the VE's shell; no word at all is a login shell"),
	INPUT(shell, BOOL), INPUT(tty, BOOL), SD_VARLINK_FIELD_COMMENT("Size of the terminal"),
	INPUT_OR_NULL(rows, INT), INPUT_OR_NULL(columns, INT), SD_VARLINK_FIELD_COMMENT("TERM in its environment"),
	INPUT_OR_NULL(term, STRING), OUTPUT_OR_NULL(started, BOOL), OUTPUT_OR_NULL(status, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Template, FIELD(name, STRING), SD_VARLINK_FIELD_COMMENT("SHA-256 of the archive; \"\" if it is not unpacked yet"),
	FIELD(digest, STRING), SD_VARLINK_FIELD_COMMENT("Its file name in template/cache"),
	FIELD_OR_NULL(archive, STRING), SD_VARLINK_FIELD_COMMENT("Bytes, unpacked"), FIELD(size, INT),
	FIELD(entries, INT), SD_VARLINK_FIELD_COMMENT("Entries that were not taken: device nodes, dangerous attributes"),
	FIELD(dropped, INT), SD_VARLINK_FIELD_COMMENT("Seconds since the epoch"), FIELD(created, INT));

static SD_VARLINK_DEFINE_METHOD(TemplateList,
				SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(templates, Template, SD_VARLINK_ARRAY));

static SD_VARLINK_DEFINE_METHOD(TemplateInfo, INPUT(name, STRING),
				SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(template, Template, 0));

static SD_VARLINK_DEFINE_METHOD_FULL(
	TemplateImport, SD_VARLINK_SUPPORTS_MORE, SD_VARLINK_FIELD_COMMENT("Absolute, on the node"),
	INPUT(path, STRING), SD_VARLINK_FIELD_COMMENT("Null: the file name without .tar.*"),
	INPUT_OR_NULL(name, STRING), SD_VARLINK_FIELD_COMMENT("What its SHA-256 must be"),
	INPUT_OR_NULL(sha256, STRING), PROGRESS,
	SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(template, Template, SD_VARLINK_NULLABLE));

static SD_VARLINK_DEFINE_METHOD_FULL(TemplateBuild, SD_VARLINK_SUPPORTS_MORE, INPUT(name, STRING), PROGRESS,
				     SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(template, Template, SD_VARLINK_NULLABLE));

static SD_VARLINK_DEFINE_METHOD_FULL(TemplateDelete, SD_VARLINK_SUPPORTS_MORE, INPUT(name, STRING), PROGRESS);

static const sd_varlink_symbol *const symbols[] = {
	SD_VARLINK_INTERFACE_COMMENT(
		"OpenVE: virtual environments of a node. Served by vzd on /run/vz/io.openve.\n"
		"\n"
		"A VE is named by its CTID in decimal or by its name. Settings are the keys and values of "
		"/etc/vz/conf/CTID.conf. With `more`, a method that takes long first answers any number of times with "
		"`message` or `percent` set; its last answer has neither."),
	&vl_type_Message,
	SD_VARLINK_SYMBOL_COMMENT("Make a VE; the last answer has its CTID."),
	&vl_method_Create,
	SD_VARLINK_SYMBOL_COMMENT("Remove a VE that does not run, with all its files."),
	&vl_method_Destroy,
	SD_VARLINK_SYMBOL_COMMENT("Boot a VE."),
	&vl_method_Start,
	SD_VARLINK_SYMBOL_COMMENT("Ask a VE to power off, and kill it if it does not in time."),
	&vl_method_Stop,
	SD_VARLINK_SYMBOL_COMMENT("Stop, if it runs, and start."),
	&vl_method_Restart,
	SD_VARLINK_SYMBOL_COMMENT("Mount the root of a VE that does not run."),
	&vl_method_Mount,
	&vl_method_Umount,
	SD_VARLINK_SYMBOL_COMMENT("Change settings, of the running VE and of its configuration: all or none."),
	&vl_method_Set,
	SD_VARLINK_SYMBOL_COMMENT("Never fails for a VE that does not exist: `exists` is false then."),
	&vl_method_Status,
	SD_VARLINK_SYMBOL_COMMENT("What a VE holds of a resource; null where the kernel does not say, or it does not run."),
	&vl_type_Counter,
	SD_VARLINK_SYMBOL_COMMENT("Disk quota of a VE; null is no limit, or not known."),
	&vl_type_Disk,
	&vl_type_VE,
	SD_VARLINK_SYMBOL_COMMENT("Needs `more`: one answer a VE, the last one has none. Without names: all."),
	&vl_method_List,
	SD_VARLINK_SYMBOL_COMMENT(
		"Run a command in a VE. Without tty, three file descriptors come with the call: pipes that are stdin, stdout "
		"and stderr of the command. With tty (needs `more`), the answer `started` carries one: the master of the "
		"command's pty. The last answer has the exit status, as a shell has it (128 + signal). The command is killed "
		"when the connection closes."),
	&vl_method_Exec,
	&vl_type_Template,
	&vl_method_TemplateList,
	&vl_method_TemplateInfo,
	SD_VARLINK_SYMBOL_COMMENT("Take an archive of a root file system in as a template."),
	&vl_method_TemplateImport,
	SD_VARLINK_SYMBOL_COMMENT("Make a template by its recipe."),
	&vl_method_TemplateBuild,
	&vl_method_TemplateDelete,
};

/* An error, which all have the same parameters, and the comment before it. */
static const sd_varlink_symbol *new_comment(const char *text)
{
	sd_varlink_symbol *symbol = mem_zero(1, sizeof(*symbol));
	symbol->name = text;
	symbol->symbol_type = _SD_VARLINK_SYMBOL_COMMENT;
	return symbol;
}

static const sd_varlink_symbol *new_error(const char *name)
{
	/* errno is a macro, which the DEFINE macros would expand. */
	static const sd_varlink_field fields[] = {
		FIELD(reason, STRING),
		FIELD_OR_NULL(step, STRING),
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
