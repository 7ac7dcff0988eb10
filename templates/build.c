/* Templates made on this node by a recipe: a program of its own writes the archive, the rest is an import. Builds take
 * turns, under a lock on the cache; imports go on meanwhile. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/import.h"
#include "templates/names.h"
#include "templates/record.h"
#include "templates/template.h"

#define SUFFIX ".tar.zst" /* what the program makes */
#define FRESH_PREFIX ".build-"

static int check_recipe(const char *path, const char *name, struct err *err)
{
	cleanup_names struct names recipes = {0};
	cleanup_text struct text list = {0};

	if (access(path, R_OK) == 0)
		return 0;
	int r = names_read(AT_FDCWD, PATH_RECIPES, &recipes);
	if (r < 0)
		return err_set(err, -r, "read %s", PATH_RECIPES);
	for (size_t i = 0; i < recipes.n; i++)
		if (str_ends(recipes.name[i], ".recipe"))
			text_add(&list, " %.*s", (int)(strlen(recipes.name[i]) - strlen(".recipe")), recipes.name[i]);
	return err_say(err, ERR_NO_TEMPLATE, "no recipe %s in %s; there is:%s", name, PATH_RECIPES,
		       list.s ? list.s : " none");
}

/* The directory of a build that was cut off lies beside the archive it was to become. */
static int sweep_builds(int cache, struct err *err)
{
	cleanup_names struct names names = {0};

	int r = names_read(cache, ".", &names);
	if (r < 0)
		return err_set(err, -r, "read the template cache");
	for (size_t i = 0; i < names.n && r == 0; i++)
		if (str_after(names.name[i], FRESH_PREFIX))
			r = proc_remove_tree(cache, names.name[i], err);
	return r;
}

static int lock_cache(int dir, struct err *err)
{
	if (mkdirat(dir, RECORD_CACHE, 0700) < 0 && errno != EEXIST)
		return err_set(err, errno, "make the template cache");
	cleanup_fd int cache = openat(dir, RECORD_CACHE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cache < 0 || flock(cache, LOCK_EX) < 0)
		return err_set(err, errno, "lock the template cache");
	return steal_fd(&cache);
}

static void relay(void *ctx, const char *text)
{
	const struct template_progress *progress = ctx;
	progress->say(progress->ctx, -1, text);
}

static int run_recipe(int cache, const char *recipe, const char *file, const struct template_progress *progress,
		      struct err *err)
{
	const char *const argv[] = {PATH_TEMPLATE_BUILD, recipe, file, NULL};
	struct template_progress copy;

	if (!progress)
		return proc_run(cache, argv, err);
	copy = *progress;
	return proc_run_lines(cache, argv, relay, &copy, err);
}

static int take_in(const struct import *import, struct template *ret, struct err *err)
{
	cleanup_fd int lock = record_lock(import->dir, err);
	if (lock < 0)
		return lock;
	int r = import_prepare(import->dir, err);
	return r < 0 ? r : import_run(import, NULL, ret, err);
}

int template_build(int dir, const char *name, uint32_t scratch_base, const struct template_progress *progress,
		   struct template *ret, struct err *err)
{
	cleanup_free char *recipe = str_fmt(PATH_RECIPES "/%s.recipe", name);
	cleanup_free char *file = str_fmt(FRESH_PREFIX "%s" SUFFIX, name);
	const struct import import = {
		.dir = dir,
		.name = name,
		.file = file,
		.suffix = SUFFIX,
		.source = recipe,
		.scratch_base = scratch_base,
		.progress = progress,
	};

	int r = record_check_name(name, err);
	if (r == 0)
		r = check_recipe(recipe, name, err);
	if (r < 0)
		return r;
	cleanup_fd int cache = lock_cache(dir, err);
	if (cache < 0)
		return cache;

	r = sweep_builds(cache, err);
	if (r == 0)
		r = run_recipe(cache, recipe, file, progress, err);
	if (r == 0)
		r = take_in(&import, ret, err);
	if (r < 0)
		unlinkat(cache, file, 0);
	return r;
}
